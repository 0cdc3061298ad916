<?php
// Yardstick: as little as PHP can do for an SMS. Reads the form, writes one file, renames it.
$folder = getenv('SPOOL');
$name = $_POST['To'] . '.' . time() . '.' . bin2hex(random_bytes(8)) . '.call';
$text = "Channel: Local/{$_POST['To']}@default\nCallerID: \"\" <{$_POST['From']}>\nWaitTime: 45\nMaxRetries: 0\n"
    . "RetryTime: 300\nContext: default\nExtension: {$_POST['To']}\nPriority: 1\nArchive: no\n"
    . "setvar: MESSAGE(to)={$_POST['To']}\nsetvar: MESSAGE(from)={$_POST['From']}\n"
    . 'setvar: MESSAGE(body)=' . rawurlencode($_POST['Body']) . "\nsetvar: MESSAGE_ENCODE=rfc3986\n";
file_put_contents("$folder/staging/$name", $text);
rename("$folder/staging/$name", "$folder/outgoing/$name");
header('Content-Length: 0');
