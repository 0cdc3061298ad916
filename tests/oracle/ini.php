<?php
// Asks PHP itself what files of INI text mean. Each line of standard input is FOLDER, a tab and
// a number N; the answer is N lines, for FOLDER/0.ini, FOLDER/1.ini and so on: the JSON of
// parse_ini_file, or `error` where it returns false. The first line written is PHP's version.
echo PHP_VERSION, "\n";
while (($line = fgets(STDIN)) !== false) {
    [$folder, $count] = explode("\t", rtrim($line, "\n"));
    for ($n = 0; $n < (int) $count; $n++) {
        $tree = @parse_ini_file("$folder/$n.ini", true);
        if ($tree === false) {
            echo "error\n";
        } else {
            echo json_encode($tree, JSON_INVALID_UTF8_SUBSTITUTE), "\n";
        }
    }
    flush();
}
