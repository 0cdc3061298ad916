<?php
// One line in, one line out: a function's name and its arguments in hex.

// The leaves of a JSON value in order: strings in hex, the others by their kind.
function leaves($value)
{
    if (is_array($value)) {
        return implode(' ', array_merge(['x' . bin2hex('[')], array_map('leaves', array_values($value)), ['x' . bin2hex(']')]));
    }
    return 'x' . bin2hex(is_string($value) ? '"' . $value : (is_bool($value) ? ($value ? 'true' : 'false') : ($value === null ? 'null' : 'number')));
}

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
        case 'json':
            $value = json_decode($words[0], true);
            echo json_last_error() === JSON_ERROR_NONE ? leaves($value) : 'x' . bin2hex('error');
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
