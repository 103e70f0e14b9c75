// Stands in for a billing system: reads one case a line, says what the
// libraries make of it, one line each.
import { createPublicKey, verify as verifySignature } from "node:crypto";
import { createInterface } from "node:readline";
import { HTTP } from "cloudevents";
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

// Standard Webhooks, v1a, with nothing but Node's own Ed25519.
function verifyAsymmetric({ jwk, headers, body }) {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const text = Buffer.from(
    `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const good = headers["webhook-signature"].split(" ").some((item) => {
    const [version, signature] = item.split(",");
    return version === "v1a" &&
      verifySignature(null, text, key, Buffer.from(signature, "base64"));
  });
  if (!good) throw new Error("no v1a signature fits");
  return JSON.parse(body);
}

const readers = {
  standardwebhooks: (c) => new Standard(c.secret).verify(c.body, c.headers),
  svix: (c) => new Svix(c.secret).verify(c.body, c.headers),
  v1a: verifyAsymmetric,
  cloudevents: (c) => {
    const event = HTTP.toEvent({ headers: c.headers, body: c.body });
    event.validate();
    return event.toJSON();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const c = JSON.parse(line);
  let result;
  try {
    result = { ok: true, event: readers[c.reader](c) };
  } catch (error) {
    result = { ok: false, error: error.message };
  }
  console.log(JSON.stringify(result));
}
