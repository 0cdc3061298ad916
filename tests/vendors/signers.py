"""A row for each signature scheme: the provider's own code that signs and verifies, and where we differ and why.

`sign(secret, url, payload)` gives a webhook as the provider would send it; `verify(url, webhook)` is the
verdict of the provider's own validator with the right secret. A payload is a list of pairs or JSON text.
"""

import hashlib
import hmac
import json
import time
from base64 import b64encode
from typing import Callable, NamedTuple
from urllib.parse import parse_qsl, urlencode

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class Webhook(NamedTuple):
    kind: str
    headers: dict[str, str]
    body: bytes


class Scheme(NamedTuple):
    name: str
    preset: str
    home: str  # the environment of tests/vendors/pinned that has the package
    package: str
    secret: str
    sign: Callable[[str, str, object], Webhook]
    verify: Callable[[str, Webhook], bool]
    kind: str = FORM
    settings: dict[str, str] = {}  # of [websmsd], beside auth_passwd and public_url
    accepts: dict[str, str] = {}  # kinds of change that we take and they do not, and why that is harmless
    refuses: dict[str, str] = {}  # kinds of change that they take and we do not, and why


class Fields(dict):
    """A form as web frameworks hand it over: the last value of a name, and `getlist` for all."""

    def __init__(self, body):
        self.pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        super().__init__(self.pairs)

    def getlist(self, name):
        return [value for known, value in self.pairs if known == name]


def form(pairs):
    return urlencode(pairs).encode()


def grouped(pairs):
    """Returns names with their value, or with a list if there are several."""
    names = dict.fromkeys(name for name, _ in pairs)
    lists = {name: [value for known, value in pairs if known == name] for name in names}
    return {name: values[0] if len(values) == 1 else values for name, values in lists.items()}


age_s = 0  # how old a webhook is when it arrives


def now():
    return int(time.time()) - age_s


def jwt(claims, secret):
    import jwt as library

    return library.encode(claims, secret, algorithm="HS256")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# ---- Twilio and SignalWire ------------------------------------------------------------------


def twilio_sign(secret, url, pairs):
    from twilio.request_validator import RequestValidator

    body = form(pairs)
    return Webhook(FORM, {"X-Twilio-Signature": RequestValidator(secret).compute_signature(url, Fields(body))}, body)


def twilio_verify(url, webhook):
    from twilio.request_validator import RequestValidator

    validator = RequestValidator(TOKEN)
    return validator.validate(url, Fields(webhook.body), webhook.headers.get("X-Twilio-Signature", ""))


def signalwire_sign(secret, url, pairs):
    from signalwire.request_validator import RequestValidator

    body = form(pairs)
    signature = RequestValidator(secret).build_signature_with_compatibility(url, Fields(body))
    return Webhook(FORM, {"X-SignalWire-Signature": signature}, body)


def signalwire_verify(url, webhook):
    from signalwire.request_validator import RequestValidator

    signature = webhook.headers.get("X-SignalWire-Signature", "")
    return RequestValidator(TOKEN).validate(url, Fields(webhook.body), signature)


# ---- Plivo ----------------------------------------------------------------------------------

PLIVO, PLIVO_NONCE = "X-Plivo-Signature-V3", "X-Plivo-Signature-V3-Nonce"


def plivo_sign(secret, url, pairs):
    from plivo.utils import signature_v3

    nonce = "12345678901234567890"
    base = signature_v3.construct_post_url(url, grouped(pairs)).decode()
    signature = signature_v3.get_signature_v3(secret, base, nonce).decode()
    return Webhook(FORM, {PLIVO: signature, PLIVO_NONCE: nonce}, form(pairs))


def plivo_verify(url, webhook):
    from plivo.utils import validate_v3_signature

    given, nonce = webhook.headers.get(PLIVO, ""), webhook.headers.get(PLIVO_NONCE, "")
    return validate_v3_signature("POST", url, nonce, TOKEN, given, grouped(Fields(webhook.body).pairs))


# ---- Vonage ---------------------------------------------------------------------------------


def vonage_auth(secret):
    from vonage_http_client import Auth

    return Auth(api_key="user", signature_secret=secret, signature_method="sha256")


def vonage_sign(secret, _url, pairs):
    pairs = [*pairs, ("timestamp", str(now()))]
    signature = vonage_auth(secret).sign_params(dict(pairs))
    return Webhook(FORM, {}, form([*pairs, ("sig", signature)]))


def vonage_check(parameters):
    """Checks parameters with a timestamp. Without one the package would add the present time to them."""
    return "timestamp" in parameters and vonage_auth(TOKEN).check_signature(parameters)


def vonage_verify(_url, webhook):
    return vonage_check(dict(Fields(webhook.body)))


def vonage_json_sign(secret, url, text):
    signed = vonage_sign(secret, url, list(json.loads(text).items()))
    return Webhook(JSON, {}, json.dumps(dict(Fields(signed.body))).encode())


def vonage_json_verify(_url, webhook):
    return vonage_check(json.loads(webhook.body))


def vonage_jwt_sign(secret, _url, text):
    body = text.encode()
    claims = {"iat": now(), "jti": "j", "iss": "Vonage", "payload_hash": sha256(body), "api_key": "user"}
    return Webhook(JSON, {"Authorization": f"Bearer {jwt(claims, secret)}"}, body)


def vonage_jwt_verify(_url, webhook):
    from vonage_jwt import verify_signature

    scheme, _, token = webhook.headers.get("Authorization", "").partition(" ")
    return scheme == "Bearer" and verify_signature(token, TOKEN)


# ---- Telnyx ---------------------------------------------------------------------------------


def telnyx_key(secret):
    from nacl.signing import SigningKey

    return SigningKey(hashlib.sha256(secret.encode()).digest())


def telnyx_public():
    return b64encode(bytes(telnyx_key(TOKEN).verify_key)).decode()


def telnyx_sign(secret, _url, text):
    body, at = text.encode(), str(now())
    signature = telnyx_key(secret).sign(at.encode() + b"|" + body).signature
    return Webhook(JSON, {"telnyx-signature-ed25519": b64encode(signature).decode(), "telnyx-timestamp": at}, body)


def telnyx_verify(_url, webhook):
    from telnyx.lib.webhook_verification import verify_webhook_signature

    verify_webhook_signature(webhook.body, webhook.headers, telnyx_public())
    return True


# ---- MessageBird ----------------------------------------------------------------------------


def messagebird_sign(secret, url, pairs):
    body, at = form(pairs), now()
    claims = {"iss": "MessageBird", "nbf": at, "exp": at + 60, "jti": "j", "url_hash": sha256(url.encode())}
    if body:
        claims["payload_hash"] = sha256(body)
    return Webhook(FORM, {"MessageBird-Signature-JWT": jwt(claims, secret)}, body)


def messagebird_verify(url, webhook):
    from messagebird.request_validator import RequestValidator

    token = webhook.headers.get("MessageBird-Signature-JWT", "")
    return bool(RequestValidator(TOKEN).validate_signature(token, url, webhook.body))


# ---- Sinch ----------------------------------------------------------------------------------


def sinch_sign(secret, _url, text):
    body, nonce, at = text.encode(), "01FJA8B4A7BM43YGWSG9GBV067", str(now())
    signed = b".".join([body, nonce.encode(), at.encode()])
    name = "x-sinch-webhook-signature"
    headers = {
        name: b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode(),
        f"{name}-algorithm": "HmacSHA256",
        f"{name}-nonce": nonce,
        f"{name}-timestamp": at,
    }
    return Webhook(JSON, headers, body)


def sinch_verify(_url, webhook):
    from sinch.domains.sms.sinch_events.v1 import SmsSinchEvent

    return SmsSinchEvent(TOKEN).validate_authentication_header(webhook.headers, webhook.body)


# ---- The table ------------------------------------------------------------------------------

TOKEN = "0123456789abcdef0123456789abcdef"

REPEATED = "no provider sends a parameter twice, and which of the two counts would depend on the reader"
STRICT = {
    "repeated": REPEATED,
    "brackets": "a[] is a list where parameters are read as PHP reads them, and no provider sends one",
    "no name": "a parameter without a name is read by nobody, but it is signed",
    "underscore": "a.b and a_b are one name where parameters are read as PHP reads them",
}
QUERY = "the package drops an empty query before it verifies; the signature is the provider's over the URL as it came"
NO_QUERY = "the package drops an empty query before it verifies; no provider calls another URL than it signs"
ALGORITHM = "the package does not look at it; Sinch always sends it"
OLD = "the package looks at no time; a webhook that somebody recorded would hold for ever"

# fmt: off
SCHEMES = [
    Scheme("twilio", "twilio", "daily", "twilio", TOKEN, twilio_sign, twilio_verify,
        accepts={"target /in?": QUERY}, refuses={**STRICT, "trailing ?": NO_QUERY}),
    Scheme("signalwire", "signalwire", "signalwire", "signalwire", TOKEN, signalwire_sign, signalwire_verify,
        accepts={"target /in?": QUERY}, refuses={**STRICT, "trailing ?": NO_QUERY}),
    Scheme("plivo", "plivo", "daily", "plivo", TOKEN, plivo_sign, plivo_verify,
        refuses={**STRICT, "repeated in the query": REPEATED, "target /in?=": STRICT["no name"],
            "fragment": "the package drops it; no client sends one"}),
    Scheme("vonage", "vonage", "daily", "vonage-http-client", TOKEN, vonage_sign, vonage_verify,
        settings={"auth_method": "vonage"}, refuses={**STRICT, "ten minutes old": OLD}),
    Scheme("vonage, JSON", "vonage", "daily", "vonage-http-client", TOKEN, vonage_json_sign, vonage_json_verify, JSON,
        settings={"auth_method": "vonage"}, refuses={"ten minutes old": OLD}),
    Scheme("vonage-jwt", "vonage", "daily", "vonage-jwt", TOKEN, vonage_jwt_sign, vonage_jwt_verify, JSON,
        settings={"auth_method": "vonage-jwt"}, refuses={"ten minutes old": OLD,
            "body": "the package looks at the token alone; anybody who saw one could send any text with it"}),
    Scheme("telnyx", "telnyx", "daily", "telnyx", "", telnyx_sign, telnyx_verify, JSON,
        refuses={"header telnyx-signature-ed25519": "the package's base64 takes what stands behind its end"}),
    Scheme("messagebird", "messagebird", "daily", "messagebird", TOKEN, messagebird_sign, messagebird_verify),
    Scheme("sinch", "sinch", "daily", "sinch", TOKEN, sinch_sign, sinch_verify, JSON,
        settings={"auth_method": "sinch"}, refuses={"ten minutes old": OLD,
            "header x-sinch-webhook-signature-algorithm": ALGORITHM,
            "no header x-sinch-webhook-signature-algorithm": ALGORITHM}),
]
# fmt: on
