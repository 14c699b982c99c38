<?php
// Hello world on Swoole's HTTP server: `php hello-swoole.php HOST PORT OPTIONS`, OPTIONS as JSON: mode, reactors, workers.

[, $host, $port, $json] = $argv;
$options = json_decode($json, true);
$server = new Swoole\Http\Server($host, (int) $port, $options['mode'] === 'base' ? SWOOLE_BASE : SWOOLE_PROCESS);
$server->set([
    'worker_num' => $options['workers'],
    'reactor_num' => 1,
    'log_level' => SWOOLE_LOG_ERROR,
    'http_compression' => false,
    'max_connection' => 12000,
    'backlog' => 4096,
]);
$server->on('request', function ($request, $response) {
    $response->header('Content-Type', 'text/plain');
    $response->end("Hello World\n");
});
$server->start();
