<?php
/**
 * Echo of length-prefixed messages on Swoole: php -d extension=… echo-swoole.php PORT OPTIONS (JSON, see programs.ts).
 * Prints its port when it accepts. With task workers, a task gives the answer, unless workers are to.
 */
[, $port, $options] = $argv;
$options = json_decode($options, true);
$tasks = $options['taskWorkers'] ?? 0;
$answers = $tasks === 0 || ($options['direct'] ?? false);
$server = new Swoole\Server('127.0.0.1', (int) $port, ($options['mode'] ?? 'process') === 'base' ? SWOOLE_BASE : SWOOLE_PROCESS);
$server->set([
    'reactor_num' => $options['reactors'] ?? 1,
    'worker_num' => $options['workers'] ?? 1,
    'task_worker_num' => $tasks,
    'task_ipc_mode' => ($options['taskIpc'] ?? 'socket') === 'queue' ? 2 : 1,
    'open_length_check' => true,
    'package_length_type' => 'N',
    'package_length_offset' => 0,
    'package_body_offset' => 4,
    'package_max_length' => 4 << 20,
    'open_tcp_nodelay' => true,
    'enable_coroutine' => false,
    'log_level' => SWOOLE_LOG_ERROR,
    'backlog' => 512,
    'max_connection' => 12000,
    'enable_reuse_port' => $options['reusePort'] ?? false,
]);
$server->on('start', fn() => print("$port\n"));
if ($options['announce'] ?? false) {
    $announce = fn($told) => print(json_encode($told) . "\n");
    $server->on('managerStart', fn() => $announce(['manager' => getmypid()]));
    $server->on('workerStart', fn($server, $id) => $announce(['worker' => $id, 'pid' => getmypid()]));
    $server->on('afterReload', fn() => $announce(['reloaded' => true]));
}
$server->on('receive', function ($server, $fd, $reactorId, $data) use ($answers) {
    if ($answers) {
        $server->send($fd, $data);
    } else {
        $server->task([$fd, $data]);
    }
});
if ($tasks > 0) {
    $server->on('task', fn($server, $id, $source, $value) => $value);
    $server->on('finish', fn($server, $id, $value) => $server->send($value[0], $value[1]));
}
$server->start();
