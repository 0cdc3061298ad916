<?php
// Yardstick: one SMS by cURL, with the certificate checked. Arguments: URL, CA file or nothing.
$curl = curl_init($argv[1]);
curl_setopt_array($curl, [
    CURLOPT_POST => true,
    CURLOPT_POSTFIELDS => http_build_query(['To' => '+12025550183', 'From' => '+12025550160', 'Body' => 'Hello']),
    CURLOPT_USERPWD => 'user:secret',
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 10,
] + (isset($argv[2]) ? [CURLOPT_CAINFO => $argv[2]] : []));
$answer = json_decode((string) curl_exec($curl), true);
exit(($answer['status'] ?? '') === 'success' ? 0 : 1);
