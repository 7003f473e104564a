"""Mails to measure with: as customers write them, the same in every run."""

import email.message
import email.policy
import random

WORDS = """account address agreed already amount answer approved attached balance bank before
between both budget cash change cheque clear client close colleague confirm contact copy credit
customer date day deduct delivery department detail discount dispute document due early entry
error euro file first forward freight goods hold invoice issue item kind later ledger letter line
list mail manager message mistake month need next note number office open order other overdue
owner paid part payment period phone please post price process project quarter question quote
rate receipt received record refund regards regular reminder reply request return review roll
sales schedule second send service settle ship short sign since site small sorry statement still
stock subject sum supplier system take team terms thanks this total transfer travel treasury
update urgent usual vendor wait week when wire work would write year yesterday""".split()

FOREIGN = {
    "iso-8859-1": "Größe Straße Überweisung fällig naïve façade señor año garçon håndværk".split(),
    "windows-1252": "“Rechnung” über – Zahlung… naïve œuvre €50 ‘sofort’ crème Žalud".split(),
    "koi8-r": "счёт оплата письмо вопрос завтра сумма договор товар касса банк".split(),
    "utf-8": "счёт πληρωμή 請求書 支払い Überweisung façade złoty faktura ödeme".split(),
    "iso-2022-jp": "請求書 支払い 来週 確認 銀行 金額 注文 納品 担当 会社".split(),
    "gb2312": "发票 付款 下周 确认 银行 金额 订单 交货 经理 公司".split(),
}


def text(random_numbers, size, words=None):
    """Paragraphs of about size characters."""
    words = words or WORDS
    lines = []
    line = ""
    length = 0
    while length < size:
        word = random_numbers.choice(words)
        if len(line) + len(word) > 72:
            lines.append(line)
            line = ""
            if random_numbers.random() < 0.15:
                lines.append("")
        line += (" " if line else "") + word
        length += len(word) + 1
    lines.append(line)
    return "\n".join(lines) + "\n"


def as_html(words):
    paragraphs = words.split("\n\n")
    return ("<html><head><style>p { margin: 0 0 1em }</style></head><body>\n"
            + "\n".join("<p>%s</p>" % p.replace("\n", "<br>\n") for p in paragraphs)
            + "\n</body></html>\n")


def make(random_numbers, number, sender, recipient, subject, kind, size, charset="utf-8", words=None):
    """The bytes of one mail: kind is plain, alternative or attachment."""
    mail = email.message.EmailMessage()
    mail["Received"] = ("from mx%d.customers.test (mx.customers.test [192.0.2.%d]) by mail.seller.test "
                        "with ESMTPS id %08x; Mon, 5 Jan 2026 10:%02d:%02d +0000"
                        % (number % 9, number % 250 + 1, number, number // 60 % 60, number % 60))
    mail["Date"] = "Mon, 5 Jan 2026 10:%02d:%02d +0100" % (number // 60 % 60, number % 60)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = subject
    mail["Message-ID"] = "<bench.%d.%d@customers.test>" % (number, random_numbers.getrandbits(48))
    mail["MIME-Version"] = "1.0"
    if kind == "plain":
        mail.set_content(text(random_numbers, size, words), charset=charset)
    else:
        share = size // 3 if kind == "attachment" else int(size * 0.45)
        body = text(random_numbers, share // 2 if kind == "attachment" else share, words)
        mail.set_content(body, charset=charset)
        mail.add_alternative(as_html(body), subtype="html", charset=charset)
    if kind == "attachment":
        # it begins as what it says it is: what nobody knows takes longest to tell
        mail.add_attachment(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + random_numbers.randbytes(size // 2),
                            maintype="application", subtype="pdf", filename="remittance %d.pdf" % number)
    return mail.as_bytes(policy=email.policy.SMTP)


def assortment(count):
    """Mails of every kind, 3 to 13 kB, in several charsets."""
    random_numbers = random.Random(20260105)
    kinds = ("plain", "alternative", "attachment", "plain", "alternative")
    charsets = sorted(FOREIGN)
    for number in range(count):
        charset, words = "us-ascii", None
        if number % 3 == 0:
            charset = charsets[number // 3 % len(charsets)]
            words = FOREIGN[charset]
            if not charset.startswith(("iso-2022", "gb")):
                words = words + [word for word in WORDS if random_numbers.random() < 0.3]
        subject = "Re: invoice %d" % number
        if words:
            subject += " " + words[number % len(words)]
        size = random_numbers.randrange(2000, 11000)
        if charset in ("koi8-r", "utf-8", "iso-2022-jp", "gb2312"):
            size //= 3          # in characters, which take two or three bytes
        yield make(random_numbers, number, "Ann Ledger <ann%d@customers.test>" % number,
                   "Accounts <ar@seller.test>", subject, kinds[number % len(kinds)], size,
                   charset, words)


def answers(count, first=1):
    """Answers to reminders, 13 kB each: (bytes, text) of each.

    Number i comes from customer i, if there is one, and every other one names
    that customer's invoice in the subject.
    """
    random_numbers = random.Random(first)
    kinds = ("plain", "alternative", "attachment")
    sizes = {"plain": 12300, "alternative": 11800, "attachment": 11500}
    for number in range(first, first + count):
        kind = kinds[number % len(kinds)]
        subject = "Re: Past due: invoice INV-%05d" % number if number % 2 else "Our account"
        data = make(random_numbers, number, "Ann <ann%d@customers.test>" % number,
                    "ar@seller.test", subject, kind, sizes[kind])
        mail = email.message_from_bytes(data, policy=email.policy.default)
        yield data, mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
