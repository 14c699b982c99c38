<?php
/**
 * Messages one way between two processes of Swoole: php -d extension=… transfer.php pipe|queue SIZE WINDOW_MS. The pipe is
 * its datagram pair, the queue a System V queue. Prints how many the other side received in a second, as run.ts does.
 */
[, $mechanism, $size, $windowMs] = $argv;
const AT_ONCE = 16;
const LARGEST = 1 << 17;

/** Counts up to each message that begins with a 1, and says how many there were. */
function receive(Swoole\Process $process, string $mechanism): void
{
    for ($round = 0; $round < 2; $round++) {
        $count = 0;
        do {
            $message = $mechanism === 'queue' ? $process->pop(LARGEST) : $process->read(LARGEST);
            $count++;
        } while ($message[0] !== "\1");
        $process->write((string) $count);
    }
}

$process = new Swoole\Process(fn($child) => receive($child, $mechanism), false, SOCK_DGRAM);
if ($mechanism === 'queue') {
    $process->useQueue(ftok(__FILE__, 'b') ^ getmypid(), 2);
}
$process->start();

function run(Swoole\Process $process, string $mechanism, int $size, float $windowMs): float
{
    $message = str_repeat("\0", $size);
    $send = $mechanism === 'queue' ? fn($data) => $process->push($data) : fn($data) => $process->write($data);
    $start = hrtime(true);
    while ((hrtime(true) - $start) / 1e6 < $windowMs) {
        for ($i = 0; $i < AT_ONCE; $i++) {
            $send($message);
        }
    }
    $send("\1" . substr($message, 1));
    $count = (int) $process->read();
    return $count / ((hrtime(true) - $start) / 1e9);
}

run($process, $mechanism, (int) $size, (float) $windowMs);
$rate = run($process, $mechanism, (int) $size, (float) $windowMs);
if ($mechanism === 'queue') {
    $process->freeQueue();
}
echo json_encode(['rate' => $rate]), "\n";
Swoole\Process::wait();
