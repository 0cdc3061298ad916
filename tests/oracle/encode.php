<?php
// One line in, one line out: a function's name and its arguments in hex.
while (($line = fgets(STDIN)) !== false) {
    $words = explode(' ', trim($line));
    $function = array_shift($words);
    $words = array_map(fn ($word) => hex2bin(substr($word, 1)), $words);
    $pairs = [];
    switch ($function) {
        case 'version':
            echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;
            break;
        case 'rawurlencode':
            echo bin2hex(rawurlencode($words[0]));
            break;
        case 'urlencode':
            echo bin2hex(urlencode($words[0]));
            break;
        case 'rawurldecode':
            echo bin2hex(rawurldecode($words[0]));
            break;
        case 'query':
            foreach (array_chunk($words, 2) as [$key, $value]) {
                $pairs[$key] = $value;
            }
            echo bin2hex(http_build_query($pairs));
            break;
        case 'ksort':
            foreach ($words as $key) {
                $pairs[$key] = '';
            }
            ksort($pairs);
            echo implode(' ', array_map(fn ($key) => 'x' . bin2hex($key), array_keys($pairs)));
            break;
    }
    echo "\n";
}
