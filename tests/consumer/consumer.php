<?php
/*
 * A billing system's side of paysieve in PHP, as an example to start from.
 *
 *   php consumer.php poll URL TOKEN-FILE CA-FILE LEDGER
 *       fetch all receipts behind the place where the ledger stands
 *   php -S 127.0.0.1:9000 consumer.php
 *       take events; the environment names SECRET_FILE and LEDGER
 *
 * What it shows: the cursor is stored in the transaction that stores the
 * receipts; a receipt's id is the ledger's key, so that whatever comes twice,
 * by either way, is booked once; an event is verified over the bytes as they
 * came, in constant time, before anything in it is believed.
 */
declare(strict_types=1);

const TOLERANCE_S = 300;

function ledger(string $path): PDO
{
    $db = new PDO("sqlite:$path", null, null, [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_TIMEOUT => 5,
    ]);
    $db->exec('CREATE TABLE IF NOT EXISTS ledger (id TEXT PRIMARY KEY,
        invoice_id TEXT NOT NULL, amount TEXT NOT NULL,
        currency TEXT NOT NULL, paid_at TEXT NOT NULL)');
    $db->exec('CREATE TABLE IF NOT EXISTS place
        (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT NOT NULL)');
    return $db;
}

/* Book one receipt, or see that it is booked. */
function book(PDO $db, array $receipt): void
{
    $db->prepare('INSERT INTO ledger (id, invoice_id, amount, currency, paid_at)
        VALUES (:id, :invoice_id, :amount, :currency, :paid_at)
        ON CONFLICT (id) DO NOTHING')
        ->execute(array_intersect_key($receipt, array_flip(
            ['id', 'invoice_id', 'amount', 'currency', 'paid_at'])));
}

/* Forget a receipt that was erased: its id is all that the event says. */
function forget(PDO $db, string $id): void
{
    $db->prepare('DELETE FROM ledger WHERE id = :id')->execute(['id' => $id]);
}

/* ---- polling */

/* [status, body] of a GET. */
function fetch(string $url, string $token, string $ca): array
{
    $h = curl_init($url);
    curl_setopt_array($h, [
        CURLOPT_HTTPHEADER => ["Authorization: Bearer $token"],
        CURLOPT_CAINFO => $ca,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 30,
    ]);
    $body = curl_exec($h);
    $status = curl_getinfo($h, CURLINFO_RESPONSE_CODE);
    curl_close($h);
    if ($body === false) {
        throw new RuntimeException('the gateway cannot be reached');
    }
    return [$status, $body];
}

function poll(string $base, string $token, string $ca, PDO $db): void
{
    do {
        $place = $db->query('SELECT cursor FROM place')->fetchColumn();
        [$status, $body] = fetch("$base/v1/receipts?limit=1000" .
            ($place === false ? '' : "&after=$place"), $token, $ca);
        if ($status === 410) {
            /* The store was replaced: start again.  What is booked already
             * is known by its id. */
            $db->exec('DELETE FROM place');
            continue;
        }
        if ($status !== 200) {
            throw new RuntimeException("the gateway answers $status");
        }
        $page = json_decode($body, true, 16, JSON_THROW_ON_ERROR);
        $db->beginTransaction();
        foreach ($page['receipts'] as $receipt) {
            book($db, $receipt);
        }
        $db->prepare('INSERT INTO place (one, cursor) VALUES (1, :next)
            ON CONFLICT (one) DO UPDATE SET cursor = :next')
            ->execute(['next' => $page['next']]);
        $db->commit();
    } while ($status === 410 || $page['more']);
}

/* ---- events */

/* Standard Webhooks 1.0: was this signed with the secret, lately? */
function verified(string $secret, string $id, string $timestamp,
    string $items, string $body): bool
{
    $key = base64_decode(substr($secret, strlen('whsec_')), true);
    if (!str_starts_with($secret, 'whsec_') || $key === false || $key === '' ||
        !ctype_digit($timestamp) ||
        abs(time() - (int)$timestamp) > TOLERANCE_S) {
        return false;
    }
    $want = 'v1,' . base64_encode(
        hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    $found = false;
    foreach (explode(' ', $items) as $item) {
        $found = hash_equals($want, $item) || $found;
    }
    return $found;
}

function hook(): void
{
    $body = file_get_contents('php://input');
    $secret = trim(file_get_contents(getenv('SECRET_FILE')));
    if (!verified($secret, $_SERVER['HTTP_WEBHOOK_ID'] ?? '',
        $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '',
        $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '', $body)) {
        http_response_code(401);
        return;
    }
    $event = json_decode($body, true, 16, JSON_THROW_ON_ERROR);
    if ($event['type'] === 'payment.received') {
        book(ledger(getenv('LEDGER')), $event['data']);
    } elseif ($event['type'] === 'receipt.erased') {
        forget(ledger(getenv('LEDGER')), $event['data']['id']);
    }
    http_response_code(204); /* it is in the ledger, or nothing that we need */
}

if (PHP_SAPI !== 'cli') {
    hook();
    return;
}
if ($argc !== 6 || $argv[1] !== 'poll') {
    fwrite(STDERR, "usage: php consumer.php poll URL TOKEN-FILE CA-FILE LEDGER\n");
    exit(2);
}
try {
    poll($argv[2], trim(file_get_contents($argv[3])), $argv[4],
        ledger($argv[5]));
} catch (Exception $e) {
    fwrite(STDERR, "consumer: {$e->getMessage()}; try again later\n");
    exit(1);
}
