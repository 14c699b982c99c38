<?php
/** One operation of one primitive of Swoole: php -d extension=… primitives.php OPERATION. The numbers are those of work.ts. */
const TIMERS = 1_000_000;
const LONG_MS = 3_600_000;
const KEYS = 10_000;
const STRIDE = 7_919;
const TABLE_OPERATIONS = 1_000_000;
const ATOMIC_ADDS = 10_000_000;
const PAIRS = 5_000_000;

ini_set('memory_limit', '-1');
$seed = 1;
function random(): int
{
    global $seed;
    return $seed = ($seed * 1_664_525 + 1_013_904_223) & 0xffffffff;
}

function timers(string $what): float
{
    $delays = [];
    for ($i = 0; $i < TIMERS; $i++) {
        $delays[] = 1 + LONG_MS + random() % LONG_MS;
    }
    $ids = [];
    $callback = function () {};
    $start = hrtime(true);
    for ($i = 0; $i < TIMERS; $i++) {
        $ids[] = Swoole\Timer::after($delays[$i], $callback);
    }
    $added = hrtime(true);
    for ($i = TIMERS - 1; $i > 0; $i--) {
        $other = random() % ($i + 1);
        [$ids[$i], $ids[$other]] = [$ids[$other], $ids[$i]];
    }
    $shuffled = hrtime(true);
    for ($i = 0; $i < TIMERS; $i++) {
        Swoole\Timer::clear($ids[$i]);
    }
    return ($what === 'add' ? $added - $start : hrtime(true) - $shuffled) / TIMERS;
}

function table(string $what): float
{
    $table = new Swoole\Table(KEYS * 2);
    $table->column('id', Swoole\Table::TYPE_INT);
    $table->column('score', Swoole\Table::TYPE_FLOAT);
    $table->column('name', Swoole\Table::TYPE_STRING, 32);
    $table->create();
    $keys = [];
    for ($i = 0; $i < KEYS; $i++) {
        $keys[] = "user:$i";
        $table->set($keys[$i], ['id' => $i, 'score' => $i / 2, 'name' => "name of user $i"]);
    }
    $start = hrtime(true);
    switch ($what) {
        case 'set':
            for ($i = 0; $i < TABLE_OPERATIONS; $i++) {
                $table->set($keys[($i * STRIDE) % KEYS], ['id' => $i, 'score' => $i / 2, 'name' => 'name of a user']);
            }
            break;
        case 'get':
            for ($i = 0; $i < TABLE_OPERATIONS; $i++) {
                $table->get($keys[($i * STRIDE) % KEYS]);
            }
            break;
        case 'increment':
            for ($i = 0; $i < TABLE_OPERATIONS; $i++) {
                $table->incr($keys[($i * STRIDE) % KEYS], 'id');
            }
            break;
    }
    return (hrtime(true) - $start) / TABLE_OPERATIONS;
}

function atomic(): float
{
    $atomic = new Swoole\Atomic();
    $start = hrtime(true);
    for ($i = 0; $i < ATOMIC_ADDS; $i++) {
        $atomic->add(1);
    }
    return (hrtime(true) - $start) / ATOMIC_ADDS;
}

function mutex(): float
{
    $lock = new Swoole\Lock(SWOOLE_MUTEX);
    $start = hrtime(true);
    for ($i = 0; $i < PAIRS; $i++) {
        $lock->lock();
        $lock->unlock();
    }
    return (hrtime(true) - $start) / PAIRS;
}

$operation = $argv[1];
[$primitive, $what] = explode(' ', $operation);
$run = match ($primitive) {
    'timer' => fn() => timers($what),
    'table' => fn() => table($what),
    'atomic' => fn() => atomic(),
    'mutex' => fn() => mutex(),
};
$run();
echo json_encode(['nanoseconds' => $run()]), "\n";
