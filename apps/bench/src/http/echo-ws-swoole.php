<?php
// Echo on Swoole's WebSocket server: `php echo-ws-swoole.php HOST PORT OPTIONS`, OPTIONS as JSON: mode, workers.

[, $host, $port, $json] = $argv;
$options = json_decode($json, true);
$server = new Swoole\WebSocket\Server($host, (int) $port, $options['mode'] === 'base' ? SWOOLE_BASE : SWOOLE_PROCESS);
$server->set([
    'worker_num' => $options['workers'],
    'reactor_num' => 1,
    'log_level' => SWOOLE_LOG_ERROR,
    'websocket_compression' => false,
    'max_connection' => 12000,
    'backlog' => 4096,
]);
$server->on('message', function ($server, $frame) {
    $server->push($frame->fd, $frame->data, $frame->opcode);
});
$server->start();
