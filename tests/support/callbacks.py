"""Made-up payment callbacks, signed as SSLCommerz signs them."""

import hashlib
from urllib.parse import quote_plus

PASSWORD = "made-up-password-of-testbox"
MERCHANT = "testbox"


def genuine(invoice, merchant=MERCHANT, **changed):
    """The fields of a paid callback, unsigned.  val_id follows invoice."""
    fields = {
        "amount": "1150.00",
        "bank_tran_id": "2512021231QWdvkmsBANK" + invoice,
        "base_fair": "0.00",
        "card_brand": "MASTERCARD",
        "card_issuer": "Invented Savings House Ltd",
        "card_issuer_country": "Bangladesh",
        "card_issuer_country_code": "BD",
        "card_no": "544332XXXXXX7788",
        "card_sub_brand": "Platinumish",
        "card_type": "MASTER-Invented Savings",
        "currency": "BDT",
        "currency_amount": "1150.00",
        "currency_rate": "1.0000",
        "currency_type": "BDT",
        "error": "",
        "risk_level": "0",
        "risk_title": "Safe",
        "status": "VALID",
        "store_amount": "1121.25",
        "store_id": merchant,
        "tran_date": "2025-12-02 12:30:45",
        "tran_id": invoice,
        "val_id": "251202123045" + invoice,
        "value_a": "payer.person@mail.invalid",
        "value_b": "+8801700998877",
        "value_c": "77 Nowhere Road, Dhaka",
        "value_d": "",
    }
    fields.update(changed)
    return fields


def canonical(fields, names, password_hex):
    """The text that is hashed."""
    pairs = {name: fields[name] for name in names}
    pairs["store_passwd"] = password_hex
    return "&".join(f"{n}={pairs[n]}" for n in sorted(pairs)).rstrip("&")


def signed(fields, password=PASSWORD, names=None, md5=True, sha256=True):
    """fields with verify_key and its digests, as a list of pairs."""
    names = sorted(fields) if names is None else sorted(names)
    pairs = list(fields.items())
    for wanted, name, make in ((md5, "verify_sign", hashlib.md5),
                               (sha256, "verify_sign_sha2", hashlib.sha256)):
        if wanted:
            secret = make(password.encode()).hexdigest()
            text = canonical(fields, names, secret)
            pairs.append((name, make(text.encode()).hexdigest()))
    pairs.append(("verify_key", ",".join(names)))
    return pairs


def encode(pairs):
    """application/x-www-form-urlencoded."""
    return "&".join(f"{quote_plus(n)}={quote_plus(v)}"
                    for n, v in pairs).encode()


def paid(invoice, **changed):
    """The body of a genuine, paid callback."""
    return encode(signed(genuine(invoice, **changed)))
