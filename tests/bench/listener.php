<?php
/* What a merchant runs today: check the signature, keep the payment. */
const PASSWORD = 'made-up-password-of-testbox';

function genuine(array $post): bool
{
    $signed = ['store_passwd' => hash('sha256', PASSWORD)];
    foreach (explode(',', $post['verify_key']) as $name) {
        $signed[$name] = $post[$name];
    }
    ksort($signed);
    $text = '';
    foreach ($signed as $name => $value) {
        $text .= $name . '=' . $value . '&';
    }
    return hash_equals(hash('sha256', rtrim($text, '&')),
                       $post['verify_sign_sha2']);
}

if (!genuine($_POST)) {
    http_response_code(403);
    exit;
}
$db = new PDO('sqlite:' . $_SERVER['STORE'], null, null, [
    PDO::ATTR_PERSISTENT => true,
    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
    PDO::ATTR_TIMEOUT => 30,
]);
$db->exec('PRAGMA synchronous = FULL');
$put = $db->prepare('INSERT OR IGNORE INTO receipt
    (id, invoice_id, currency, amount, paid_at) VALUES (?, ?, ?, ?, ?)');
$put->execute([$_POST['val_id'], $_POST['tran_id'], $_POST['currency'],
               $_POST['amount'], $_POST['tran_date']]);
header('Content-Type: text/plain');
header('Content-Length: 2');
echo 'OK';
