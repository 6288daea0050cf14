<?php
// The same as log_window.sh in PHP, with execute() as Live Helper Chat's own class LHCRestAPI has it.
//   php log_window.php 'APPLICATION - Some window'

$settings = [
    'host' => getenv('LHC_HOST') ?: 'http://127.0.0.1:8080',
    'user' => getenv('LHC_USER') ?: 'desktop',
    'key' => getenv('LHC_KEY'),
];
$vidFile = getenv('VID_FILE') ?: getenv('HOME') . '/.chatrelay-desktop-vid';
if ($argc < 2 || !$settings['key']) {
    fwrite(STDERR, "usage: LHC_KEY=… php log_window.php WINDOW\n");
    exit(64);
}

function execute(array $settings, string $function, array $post, array $unordered): object
{
    $path = '';
    foreach ($unordered as $name => $value) {
        $path .= '/(' . $name . ')/' . rawurlencode((string) $value);
    }
    $text = file_get_contents($settings['host'] . '/restapi/' . $function . $path, false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => [
            'Authorization: Basic ' . base64_encode($settings['user'] . ':' . $settings['key']),
            'Content-Type: application/x-www-form-urlencoded',
        ],
        'content' => http_build_query($post),
        'timeout' => 10,
        'ignore_errors' => true, // the status says little: `error` in the answer counts
    ]]));
    $answer = $text === false ? null : json_decode($text);
    if (!is_object($answer)) {
        fwrite(STDERR, "no answer\n");
        exit(1);
    }
    return $answer;
}

$response = execute($settings, 'chatcheckoperatormessage', [
    'dt' => $argv[1],
    'l' => '//desktop.example/' . PHP_OS_FAMILY,
    'ua' => '',
], [
    'vid' => is_file($vidFile) ? file_get_contents($vidFile) : '', // a new visitor has none yet
    'count_page' => 1, // a window was opened; without it only a look whether there is news
    'tz' => 0,
    'priority' => 0,
    'operator' => 0,
    'theme' => 0,
    'survey' => 0,
    'department' => 5,
    'uactiv' => 1,
]);
if ($response->error) {
    fwrite(STDERR, 'refused: ' . json_encode($response->result->errors ?? $response->result) . "\n");
    exit(1);
}
if (isset($response->result->vid)) { // always adopt it: it may be a new one
    umask(0077);
    file_put_contents($vidFile, $response->result->vid);
}
switch ($response->result->action) {
    case 'read_message':
        echo $response->result->args->name_support, ': ', $response->result->args->message, "\n";
        break;
    case 'reopen_chat':
        echo "Your chat goes on.\n";
        break;
    case 'disable_check':
        echo "Do not ask again.\n";
        exit(3);
}
