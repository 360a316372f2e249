<?php
// Tells goen what happened, over HTTP. Needs PHP 8.1 with curl and json.
//
//     GOEN_URL=http://127.0.0.1:8090 GOEN_KEY=… php record.php 4711 hanako@example.jp
declare(strict_types=1);

/**
 * Records facts: all of them, or none. Facts that are on record already are passed over, so whoever is not sure
 * whether a call succeeded calls again. Call it after the COMMIT of what the facts tell.
 *
 * @throws GoenRefused  if something is wrong with the facts: to try again is of no use
 * @throws RuntimeException  if goen cannot be reached: keep the facts and try again later
 */
function goen_record(array $facts, string $url, string $key): void
{
    $body = json_encode($facts, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    for ($try = 1; ; $try++) {
        $curl = curl_init($url . '/facts');
        curl_setopt_array($curl, [
            CURLOPT_POSTFIELDS => $body,
            CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'Authorization: Bearer ' . $key],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_CONNECTTIMEOUT => 2,
            CURLOPT_TIMEOUT => 10,
        ]);
        $answer = curl_exec($curl);
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($status === 200) {
            return;
        }
        if ($status >= 400 && $status < 500) {
            throw new GoenRefused($answer, $status);
        }
        if ($try === 3) {
            throw new RuntimeException("goen cannot be reached (status $status): " . curl_error($curl));
        }
        sleep($try);
    }
}

/** Something is wrong with the facts; the message is goen's answer in JSON. */
class GoenRefused extends DomainException
{
}

/** The fact that an order was placed. Its id and time are the order's, so that telling it again tells the same. */
function order_placed(array $order): array
{
    return [
        'id' => 'order-' . $order['id'],
        'type' => 'order_saved',
        'time' => $order['placed_at']->format(DATE_RFC3339_EXTENDED),
        'email' => $order['email'],
        'data' => [
            'id' => $order['id'],
            'lines' => array_map(fn (array $line) => [
                'product' => $line['sku'],
                'title' => $line['title'],
                'quantity' => (int) $line['quantity'],
                'price' => ['minor' => (int) $line['yen'], 'currency' => 'JPY'], // whole numbers, no 1200.0
            ], $order['lines']),
        ],
    ];
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    $order = [
        'id' => $argv[1],
        'email' => $argv[2],
        'placed_at' => new DateTimeImmutable($argv[3] ?? 'now'),
        'lines' => [['sku' => 'sencha', 'title' => '煎茶', 'quantity' => 2, 'yen' => 1200]],
    ];
    goen_record([order_placed($order)], getenv('GOEN_URL'), getenv('GOEN_KEY'));
    echo "recorded\n";
}
