<?php
// Tells goen what happened by one INSERT, in the transaction of the order itself: goen and the cart share a
// database, and hear of the order together or not at all. Needs PHP 8.1 with PDO.
//
//     DSN='mysql:host=127.0.0.1;dbname=shop' DB_USER=… DB_PASSWORD=… php insert.php 4711 hanako@example.jp
declare(strict_types=1);

require __DIR__ . '/record.php'; // for order_placed

/** Adds a fact to the open transaction. */
function goen_insert(PDO $db, string $shop, array $fact): void
{
    $body = json_encode($fact, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    $db->prepare('INSERT INTO goen_incoming (shop_id, body) VALUES (?, ?)')->execute([$shop, $body]);
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    $db = new PDO(getenv('DSN'), getenv('DB_USER') ?: null, getenv('DB_PASSWORD') ?: null);
    $db->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    $order = [
        'id' => $argv[1],
        'email' => $argv[2],
        'placed_at' => new DateTimeImmutable($argv[3] ?? 'now'),
        'lines' => [['sku' => 'sencha', 'title' => '煎茶', 'quantity' => 2, 'yen' => 1200]],
    ];
    $db->beginTransaction();
    // … here the cart writes its own order, on the same connection …
    goen_insert($db, 'tokyo-tea', order_placed($order));
    $db->commit();
    echo "inserted\n";
}
