"""A row for each provider's own package: how to send an SMS with it, and what we send differently and why.

A package is pointed at the recorder by the environment (`Recorder.prepare`); where it looks at no
environment, its function here hands over the proxy. `tests/vendors/run` installs the packages and only
runs them: no line of them is here.
"""

import base64
import hashlib
import hmac
import os
import subprocess
import time
import urllib.parse
from typing import Callable, NamedTuple

USER, SECRET, ACCOUNT, EXTRA = "user-1", "pass-1", "acc-1", "extra-1"
# Some packages check the form of their arguments.
PLIVO_USER, ZADARMA_SECRET = "MA" + 18 * "X", 20 * "s"
SIPGATE_USER, SIPGATE_SECRET, SIPGATE_SMS_ID = "token-USER01", "00000000-0000-4000-8000-000000000000", "s0"
ANY = "*"


class Known(NamedTuple):
    """An intended difference: the fact, our value, theirs (None if it is missing; ANY), and the reason."""

    fact: str
    ours: str | None
    theirs: str | None
    why: str


class Vendor(NamedTuple):
    preset: str
    package: str
    home: str  # the environment of tests/vendors/pinned that has it
    host: str
    send: Callable[[str, str, str], None]
    number: Callable[[str], str]  # +12025550183 as the provider's documents want it
    status: int  # the answer to an SMS
    answer: str
    known: tuple[Known, ...] = ()
    refuses: tuple[str, ...] = ()  # cases that the package itself does not take
    settings: dict[str, str] = {}  # of [websms], beside those that all have
    headers: tuple[str, ...] = ("authorization",)  # what proves who calls
    proof: Callable = lambda request: {}  # headers of a request whose value changes → what is compared
    own: bool = True  # False: by somebody who uses the API


# ---- A number as the provider wants it ------------------------------------------------------


def plus(number):
    return number


def digits(number):
    return number.removeprefix("+")


def ten(number):
    return number.removeprefix("+1")


# ---- An SMS with each package ---------------------------------------------------------------


def twilio(to, sender, text):
    from twilio.rest import Client

    Client(USER, SECRET).messages.create(to=to, from_=sender, body=text)


def signalwire(to, sender, text):
    from signalwire.rest import Client

    client = Client(USER, SECRET, signalwire_space_url=f"{ACCOUNT}.signalwire.com")
    client.messages.create(to=to, from_=sender, body=text)


def plivo(to, sender, text):
    import plivo as api

    client = api.RestClient(PLIVO_USER, SECRET, proxies={"https": os.environ["HTTPS_PROXY"]})
    client.messages.create(src=sender, dst=to, text=text)


def vonage(to, sender, text):
    from vonage import Auth, Vonage
    from vonage_sms import SmsMessage

    kind = "text" if text.isascii() else "unicode"  # The caller's choice, by the package's documentation.
    client = Vonage(Auth(api_key=USER, api_secret=SECRET))
    client.sms.send(SmsMessage(to=to, from_=sender, text=text, type=kind))


def telnyx(to, sender, text):
    from telnyx import Telnyx

    Telnyx(api_key=SECRET, max_retries=0).messages.send(to=to, from_=sender, text=text)


def messagebird(to, sender, text):
    import messagebird as api

    api.Client(SECRET).message_create(sender, to, text, {"datacoding": "auto"})


def sinch(to, sender, text):
    from sinch import SinchClient

    client = SinchClient(service_plan_id=ACCOUNT, sms_api_token=SECRET, sms_region="us")
    client.sms.batches.send_sms(to=[to], from_=sender, body=text)


def ovh(to, sender, text):
    from ovh import Client

    client = Client(endpoint="ovh-eu", application_key=USER, application_secret=SECRET, consumer_key=EXTRA)
    client.post(f"/sms/{ACCOUNT}/jobs", receivers=[to], sender=sender, message=text, charset="UTF-8", noStopClause=True)


def infobip(to, sender, text):
    import infobip_api_client as api

    key = "APIKeyHeader"
    configuration = api.Configuration(
        host=f"https://{ACCOUNT}.api.infobip.com", api_key={key: SECRET}, api_key_prefix={key: "App"}
    )
    configuration.proxy = os.environ["HTTPS_PROXY"]
    content = api.SmsMessageContent(api.SmsTextContent(text=text))
    message = api.SmsMessage(sender=sender, destinations=[api.SmsDestination(to=to)], content=content)
    api.SmsApi(api.ApiClient(configuration)).send_sms_messages(api.SmsRequest(messages=[message]))


def bandwidth(to, sender, text):
    import bandwidth as api

    configuration = api.Configuration(username=USER, password=SECRET)
    configuration.proxy = os.environ["HTTPS_PROXY"]
    message = api.MessageRequest(application_id=EXTRA, to=[to], var_from=sender, text=text)
    api.MessagesApi(api.ApiClient(configuration)).create_message(ACCOUNT, message)


def clicksend(to, sender, text):
    import clicksend as api

    configuration = api.Configuration(username=USER, password=SECRET, proxy=os.environ["HTTPS_PROXY"])
    message = api.SendSmsRequestMessagesInner(to=to, var_from=sender, body=text)
    sms = api.SmsApi(api.ApiClient(configuration))
    sms.send_sms(send_sms_request=api.SendSmsRequest(messages=[message]))


def telesign(to, sender, text):
    from telesign.messaging import MessagingClient
    from telesign.util import AuthMethod

    client = MessagingClient(USER, SECRET, proxies={"https": os.environ["HTTPS_PROXY"]})
    client.auth_method = AuthMethod.BASIC.value
    client.message(to, text, "ARN")


def textmagic(to, sender, text):
    from textmagic.rest import TextmagicRestClient
    from textmagic.rest.models import base

    base.get_cert_file = lambda: os.environ["SSL_CERT_FILE"]
    TextmagicRestClient(USER, SECRET).messages.create(phones=to, text=text, **{"from": sender})


def smsapi(to, sender, text):
    from smsapi.client import SmsApiComClient

    SmsApiComClient(access_token=SECRET).sms.send(to=to, message=text, from_=sender, encoding="utf-8")


def clickatell(to, sender, text):
    from clickatell.http import Http

    Http(SECRET).sendMessage([to], text, {"from": sender})


def inteliquent(to, sender, text):
    from inteliquent.messaging import InteliquentMessaging

    InteliquentMessaging(SECRET).send(sender, to, text)


def voipms(to, sender, text):
    from voipms import VoipMs

    api = VoipMs(USER, SECRET).dids.send
    send = api.sms if len(text.encode()) <= 160 else api.mms
    send(int(sender), int(to), text)


LOOPBACK_ONLY = """
    const socket = require('net').Socket.prototype, { connect } = socket;
    socket.connect = function (...args) {
        const { host } = [args[0]].flat()[0];
        if (host !== '127.0.0.1') throw Error(`no connection but on loopback: ${host}`);
        return connect.apply(this, args);
    };
"""


def node(script):
    """`script` sees `to`, `sender` and `text`, and may await."""
    program = f"{LOOPBACK_ONLY} const [to, sender, text] = process.argv.slice(1); (async () => {{ {script} }})();"

    def send(to, sender, text):
        subprocess.run(["node", "--unhandled-rejections=strict", "-e", program, "--", to, sender, text], check=True)

    return send


sipgate = node(f"""
    const {{ sipgateIO, createSMSModule }} = require('sipgateio');
    const client = sipgateIO({{ tokenId: '{SIPGATE_USER}', token: '{SIPGATE_SECRET}' }});
    await createSMSModule(client).send({{ to, message: text, smsId: '{SIPGATE_SMS_ID}' }});
""")

zadarma = node(f"""
    const {{ api }} = require('zadarma');
    const params = {{ number: to, sender, message: text }};
    await api({{ api_method: '/v1/sms/send/', http_method: 'POST', params,
        api_user_key: '{USER}', api_secret_key: '{ZADARMA_SECRET}' }});
""")


# ---- What changes from request to request ---------------------------------------------------


def ovh_proof(request):
    """Computes the signature by the package's own formula, over the request as it came."""
    now, given = request.headers["x-ovh-timestamp"], request.headers["x-ovh-signature"]
    signed = "+".join([SECRET, EXTRA, request.method, request.url, request.body.decode(), now])
    right = given == "$1$" + hashlib.sha1(signed.encode()).hexdigest()
    recent = abs(time.time() - int(now)) < 60
    return {"x-ovh-signature": "right" if right else "wrong", "x-ovh-timestamp": "now" if recent else "another time"}


def zadarma_proof(request):
    """Computes the signature over the body, whose names must be in order."""
    body, path = request.body.decode(), urllib.parse.urlsplit(request.url).path
    names = [pair.partition("=")[0] for pair in body.split("&")]
    signed = path + body + hashlib.md5(body.encode()).hexdigest()
    digest = hmac.new(ZADARMA_SECRET.encode(), signed.encode(), "sha1").hexdigest()
    expected = f"{USER}:{base64.b64encode(digest.encode()).decode()}"
    right = request.headers["authorization"] == expected and names == sorted(names)
    return {"authorization": "right" if right else "wrong"}


# ---- The table ------------------------------------------------------------------------------

VONAGE_BOTH = "the SMS API takes the credentials in either place"
MESSAGEBIRD_LIST = "the API takes a list, and a text as the package writes it"
TWILIO_ANSWER = '{"sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","status":"queued"}'

# fmt: off
VENDORS = [
    Vendor("twilio", "twilio", "daily", "api.twilio.com", twilio, plus, 201, TWILIO_ANSWER),
    Vendor("signalwire", "signalwire", "signalwire", f"{ACCOUNT}.signalwire.com", signalwire, plus, 201, TWILIO_ANSWER,
        (Known("url", "https://acc-1.signalwire.com/api/laml/2010-04-01/Accounts/user-1/Messages",
            "https://acc-1.signalwire.com/2010-04-01/Accounts/user-1/Messages.json",
            "the package has Twilio's paths; the documented base of the API is /api/laml/2010-04-01"),)),
    Vendor("plivo", "plivo", "daily", "api.plivo.com", plivo, digits, 202,
        '{"message":"message(s) queued","message_uuid":["db3ce55a-7f1d-11e1-8ea7-1231380bc196"],"api_id":"a"}',
        tuple(Known(f"field {name}", None, value, "the package writes the API's default")
            for name, value in [("type", '"sms"'), ("method", '"POST"'), ("log", '"true"'), ("trackable", "false")]),
        settings={"auth_user": PLIVO_USER}),
    Vendor("vonage", "vonage", "daily", "rest.nexmo.com", vonage, digits, 200,
        '{"message-count":"1","messages":[{"to":"12025550183","message-id":"0A","status":"0",'
        '"remaining-balance":"3.1","message-price":"0.1","network":"12345"}]}',
        (Known("header authorization", None, "Basic dXNlci0xOnBhc3MtMQ==", VONAGE_BOTH),
            Known("field api_key", USER, None, VONAGE_BOTH), Known("field api_secret", SECRET, None, VONAGE_BOTH))),
    Vendor("telnyx", "telnyx", "daily", "api.telnyx.com", telnyx, plus, 200, '{"data":{"id":"b0c7e8cb"}}'),
    Vendor("messagebird", "messagebird", "daily", "rest.messagebird.com", messagebird, digits, 201, '{"id":"efa6"}',
        (Known("field recipients", None, '"12025550183"', MESSAGEBIRD_LIST),
            Known("field recipients[0]", '"12025550183"', None, MESSAGEBIRD_LIST))),
    Vendor("sinch", "sinch", "daily", "us.sms.api.sinch.com", sinch, digits, 201,
        '{"id":"01FC","to":["12025550183"],"canceled":false,"type":"mt_text","body":"hi"}',
        (Known("field type", None, '"mt_text"', "the package writes the API's default"),)),
    Vendor("ovh", "ovh", "daily", "eu.api.ovh.com", ovh, plus, 200,
        '{"ids":[26929925],"invalidReceivers":[],"validReceivers":["+12025550183"]}',
        headers=("x-ovh-application", "x-ovh-consumer", "x-ovh-signature", "x-ovh-timestamp"), proof=ovh_proof),
    Vendor("infobip", "infobip-api-python-client", "release", f"{ACCOUNT}.api.infobip.com", infobip, digits, 200,
        '{"messages":[{"messageId":"2250be2d","status":{"groupId":1,"groupName":"PENDING","id":26,"name":"a",'
        '"description":"b"},"destination":"12025550183"}]}'),
    Vendor("bandwidth", "bandwidth-sdk", "release", "messaging.bandwidth.com", bandwidth, plus, 202, '{"id":"15892"}'),
    Vendor("clicksend", "clicksend-client", "release", "rest.clicksend.com", clicksend, plus, 200,
        '{"http_code":200,"response_code":"SUCCESS","data":{"messages":[{"status":"SUCCESS","message_id":"BF7A"}]}}',
        (Known("field messages[0].source", '"websms"', '"sdk-python"', "the name of the program that sends"),)),
    Vendor("telesign", "telesign", "release", "rest-api.telesign.com", telesign, digits, 200,
        '{"reference_id":"0123","status":{"code":290}}'),
    Vendor("textmagic", "textmagic", "release", "rest.textmagic.com", textmagic, digits, 201,
        '{"id":49575710,"href":"/api/v2/messages/49575710","type":"message"}',
        headers=("x-tm-username", "x-tm-key")),
    Vendor("smsapi", "smsapi-client", "release", "api.smsapi.com", smsapi, digits, 200,
        '{"count":1,"list":[{"id":"146","points":0.16,"number":"12025550183","error":null,"status":"QUEUE"}]}'),
    Vendor("clickatell", "clickatell-platform", "release", "platform.clickatell.com", clickatell, digits, 202,
        '{"messages":[{"apiMessageId":"77fb","accepted":true,"to":"12025550183","error":null}],"error":null}',
        (Known("field to", "12025550183", "['12025550183']", "the package's fault: a list as Python shows it"),),
        settings={"auth_user": None}),
    Vendor("inteliquent", "inteliquent", "release", "messagebroker.inteliquent.com", inteliquent, digits, 200,
        '{"success":true,"result":{"referenceId":"r1","resultResponses":[]}}'),
    Vendor("voipms", "voipms", "release", "voip.ms", voipms, ten, 200, '{"status":"success","sms":23434}',
        (Known("method", "POST", "GET", "both are taken; a URL stands in logs, with the password"),
            Known("kind", "multipart/form-data", None, "only a POST has a body; a urlencoded one is not taken"),
            Known("field content_type", "json", None, "asks for the answer as JSON, which is the default"),
            Known("field message", "one\ntwo", "one two", "the package makes a blank of a newline")),
        ("name",), own=False),
    Vendor("sipgate", "sipgateio", "node", "api.sipgate.com", sipgate, plus, 204, "",
        settings={"auth_user": SIPGATE_USER, "auth_passwd": SIPGATE_SECRET, "account": SIPGATE_SMS_ID}),
    Vendor("zadarma", "zadarma", "node", "api.zadarma.com", zadarma, digits, 200,
        '{"status":"success","messages":1}',
        (Known("field caller_id", ANY, None, "the sender's name in older descriptions of the API"),),
        settings={"auth_passwd": ZADARMA_SECRET}, proof=zadarma_proof, own=False),
]
# fmt: on
