<?php
// Answers a request with its parameters: two lines, $_GET and $_POST. An array is
// {key:value;…}, an integer key i5, any other key sHEX, a value "HEX.
function dump($value)
{
    if (!is_array($value)) {
        return '"' . bin2hex($value);
    }
    $entries = '';
    foreach ($value as $key => $inner) {
        $entries .= (is_int($key) ? "i$key" : 's' . bin2hex($key)) . ':' . dump($inner) . ';';
    }
    return '{' . $entries . '}';
}

header('Content-Type: text/plain');
echo dump($_GET), "\n", dump($_POST), "\n";
