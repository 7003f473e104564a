\set ECHO none
-- What is in a message, and what is new in a reply, seen from SQL.
\i test/lib/pgtap.sql
SELECT plan(70);

CREATE FUNCTION pg_temp.parsed(message text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT ar_inbox.parse_email(convert_to(replace(message, E'\n', E'\r\n'), 'UTF8'))
$$;

-- a message with everything in it
CREATE TEMP TABLE whole AS SELECT pg_temp.parsed($mail$Message-ID: <m1@example.com>
In-Reply-To: <p1@example.com>
References: <a1@example.com> <p1@example.com>
Subject: =?UTF-8?B?UmU6IEdyw7bDn2U=?=
From: "Ann, A." <ann@example.com>
To: Billing <billing@example.com>, second@example.com
Cc: =?ISO-8859-1?Q?J=FCrgen?= <j@example.com>
Reply-To: desk@example.com
Date: Mon, 4 May 2026 10:15:00 +0530
X-Note: =?UTF-8?Q?caf=C3=A9?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/related; boundary=r

--r
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8

Paid on Friday.

On Mon, 4 May 2026 at 09:00, Acme <billing@example.com> wrote:
> Please pay.
--a
Content-Type: text/html; charset=utf-8

<p>Paid on Friday.<img src="cid:logo@example.com"></p>
--a--
--r
Content-Type: image/png; name=logo.png
Content-ID: <logo@example.com>
Content-Transfer-Encoding: base64

iVBORw==
--r--
--b
Content-Type: application/pdf
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf

JVBERi0=
--b--
$mail$) AS m;

SELECT is((SELECT array_agg(k ORDER BY k) FROM whole, jsonb_object_keys(m) k),
    '{attachments,automatic,bounce,cc,complaint,date,defects,delivered,from,headers,html,in_reply_to,message_id,new_text,original,protection,receipt,references,reply_to,subject,text,to}'::text[],
    'every key is there');
SELECT is(m ->> 'message_id', 'm1@example.com', 'message_id') FROM whole;
SELECT is(m ->> 'in_reply_to', 'p1@example.com', 'in_reply_to') FROM whole;
SELECT is(m -> 'references', '["a1@example.com", "p1@example.com"]', 'references') FROM whole;
SELECT is(m ->> 'subject', 'Re: Größe', 'subject') FROM whole;
SELECT is(m -> 'from', '[{"name": "Ann, A.", "address": "ann@example.com"}]', 'from') FROM whole;
SELECT is(m -> 'to', '[{"name": "Billing", "address": "billing@example.com"}, {"name": null, "address": "second@example.com"}]', 'to') FROM whole;
SELECT is(m -> 'cc', '[{"name": "Jürgen", "address": "j@example.com"}]', 'cc') FROM whole;
SELECT is(m -> 'reply_to', '[{"name": null, "address": "desk@example.com"}]', 'reply_to') FROM whole;
SELECT is(m ->> 'date', '2026-05-04T10:15:00+05:30', 'date') FROM whole;
SELECT is((m ->> 'date')::timestamptz, '2026-05-04 04:45:00+00', 'it is the moment') FROM whole;
SELECT is(rtrim(m ->> 'text', E'\n'), E'Paid on Friday.\n\nOn Mon, 4 May 2026 at 09:00, Acme <billing@example.com> wrote:\n> Please pay.', 'text') FROM whole;
SELECT is(m ->> 'new_text', 'Paid on Friday.', 'new_text') FROM whole;
SELECT is(rtrim(m ->> 'html', E'\n'), '<p>Paid on Friday.<img src="cid:logo@example.com"></p>', 'html') FROM whole;
SELECT is(m -> 'attachments', '[{"name": "logo.png", "type": "image/png", "size": 4, "content_id": "logo@example.com", "inline": true},
    {"name": "résumé.pdf", "type": "application/pdf", "size": 5, "content_id": null, "inline": false}]', 'attachments') FROM whole;
SELECT is(m -> 'automatic', 'false', 'automatic') FROM whole;
SELECT is(m -> k, 'null', k || ' is null') FROM whole, unnest('{bounce,receipt,complaint,delivered,original}'::text[]) k;
SELECT is(m -> 'defects', '[]', 'defects') FROM whole;
SELECT is(jsonb_array_length(m -> 'headers'), 12, 'every header field') FROM whole;
SELECT is(m -> 'headers' -> 0, '{"name": "Message-ID", "value": "<m1@example.com>"}', 'in their order') FROM whole;
SELECT is(m -> 'headers' -> 9, '{"name": "X-Note", "value": "café"}', 'decoded') FROM whole;

-- what is not there is null, or empty
SELECT is(ar_inbox.parse_email('') - '{headers,defects}'::text[],
    '{"message_id": null, "in_reply_to": null, "references": [], "subject": null, "from": [], "to": [], "cc": [], "reply_to": [],
      "date": null, "text": "", "new_text": "", "html": null, "attachments": [], "protection": null, "automatic": false, "bounce": null, "receipt": null,
      "complaint": null, "delivered": null, "original": null}', 'nothing');
SELECT is(pg_temp.parsed(format(E'Date: %s\n\nx', given)) ->> 'date', wanted, 'date: ' || given)
FROM (VALUES ('Thu, 1 Jan 1970 00:00:00 +0000', '1970-01-01T00:00:00+00:00'), ('1 Jan 2026 00:30 -0800', '2026-01-01T00:30:00-08:00'),
    ('31 Dec 1969 23:59:59 +0100', '1969-12-31T23:59:59+01:00'), ('29 Feb 2028 12:00:00 -0330', '2028-02-29T12:00:00-03:30'), ('never', NULL)) t (given, wanted);

-- bounces, receipts, complaints
CREATE FUNCTION pg_temp.report(kind text, part text, fields text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.parsed(format(E'From: MAILER-DAEMON@example.net\nTo: billing@example.com\nSubject: Report\nMIME-Version: 1.0\n'
        'Content-Type: multipart/report; report-type=%s; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee below.\n'
        '--b\nContent-Type: %s\n\n%s\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <sent-1@example.com>\n\n--b--\n', kind, part, fields))
$$;
SELECT is(pg_temp.report('delivery-status', 'message/delivery-status', E'Reporting-MTA: dns; mx.example.net\nOriginal-Envelope-Id: e1\n\n'
        'Final-Recipient: rfc822; bob@example.net\nAction: failed\nStatus: ' || status || E'\nDiagnostic-Code: smtp; ' || words) -> 'bounce',
    jsonb_build_object('kind', kind, 'recipients', jsonb_build_array(jsonb_build_object('address', 'bob@example.net', 'status', status, 'diagnostic', words))),
    'bounce: ' || status || ', ' || kind)
FROM (VALUES ('5.1.1', '550 5.1.1 User unknown', 'hard'), ('5.2.2', '552 5.2.2 Mailbox full', 'soft'), ('4.4.7', 'expired', 'soft'),
    ('5.7.1', '550 5.7.1 Not from you', 'soft'), ('5.0.0', '550 No such user', 'hard')) t (status, words, kind);
SELECT is(pg_temp.report('delivery-status', 'message/delivery-status', E'Reporting-MTA: dns; mx.example.net\nOriginal-Envelope-Id: e1\n\n'
        'Final-Recipient: rfc822; bob@example.net\nAction: delayed\nStatus: 4.4.1') -> k, wanted, 'delayed: ' || k)
FROM (VALUES ('bounce', '{"kind": "delayed", "recipients": [{"address": "bob@example.net", "status": "4.4.1", "diagnostic": null}]}'::jsonb),
    ('original', '{"message_id": "sent-1@example.com", "envelope_id": "e1"}'), ('automatic', 'true')) t (k, wanted);
SELECT is(pg_temp.report('delivery-status', 'message/delivery-status', E'Reporting-MTA: dns; mx.example.net\n\n'
        'Final-Recipient: rfc822; bob@example.net\nAction: delivered\nStatus: 2.0.0') -> k, wanted, 'a report of success: ' || k)
FROM (VALUES ('bounce', 'null'::jsonb), ('delivered', '{"action": "delivered", "address": "bob@example.net"}'), ('original', '{"message_id": "sent-1@example.com", "envelope_id": null}')) t (k, wanted);
SELECT is(pg_temp.report('delivery-status', 'message/delivery-status', E'Reporting-MTA: dns; mx.example.net\n\n'
        'Final-Recipient: rfc822; bob@example.net\nAction: relayed\n\nFinal-Recipient: rfc822; ann@example.net\nAction: failed\nStatus: 5.1.1') -> 'delivered', 'null', 'of success and failure is none of success');
SELECT is(pg_temp.parsed(E'From: MAILER-DAEMON@example.net\nSubject: failure notice\n\nHi. This is the mail program at example.net.\n\n'
        '<bob@example.net>:\nNobody of that name. User unknown. (#5.1.1)\n') -> 'bounce',
    '{"kind": "hard", "recipients": [{"address": "bob@example.net", "status": "5.1.1", "diagnostic": "Nobody of that name. User unknown. (#5.1.1)"}]}',
    'a bounce in words');
SELECT is(pg_temp.parsed(E'From: ann@example.net\nSubject: What is this?\n\n<bob@example.net>:\nUser unknown. (#5.1.1)\n') -> 'bounce', 'null',
    'who speaks of a bounce has not bounced');
SELECT is(concat_ws(' ', m #>> '{bounce,kind}', m ->> 'automatic'), wanted, 'X-Failed-Recipients from ' || what)
FROM (VALUES ('', 'a machine', 'hard true'), ('relay@example.net', 'whoever', 'false')) t (return_path, what, wanted)
CROSS JOIN LATERAL pg_temp.parsed(E'Return-Path: <' || return_path || E'>\nFrom: relay@example.net\nSubject: Invoice 4711\nX-Failed-Recipients: bob@example.net\n\n550 5.1.1 User unknown\n') m;
SELECT is(pg_temp.report('disposition-notification', 'message/disposition-notification',
        E'Final-Recipient: rfc822; bob@example.net\nOriginal-Message-ID: <sent-1@example.com>\nDisposition: manual-action/MDN-sent-manually; displayed') -> k, wanted, 'a receipt: ' || k)
FROM (VALUES ('receipt', '{"disposition": "displayed", "automatic": false, "address": "bob@example.net"}'::jsonb), ('bounce', 'null'),
    ('original', '{"message_id": "sent-1@example.com", "envelope_id": null}')) t (k, wanted);
SELECT is(pg_temp.report('feedback-report', 'message/feedback-report',
        E'Feedback-Type: abuse\nVersion: 1\nUser-Agent: x\nOriginal-Rcpt-To: bob@example.net\nSource-IP: 192.0.2.1') -> 'complaint',
    '{"type": "abuse", "addresses": ["bob@example.net"], "source": "192.0.2.1"}', 'a complaint');

-- the text of HTML alone is what html_to_text() makes of it
SELECT is(ar_inbox.parse_email(convert_to(E'Content-Type: text/html; charset=utf-8\n\n' || html, 'UTF8')) ->> 'text', ar_inbox.html_to_text(html), 'text of HTML: ' || what)
FROM (VALUES ('<p>See <a href="https://a.example/i?x=1&amp;y=2">the invoice</a> or <a href="mailto:ar@a.example">ar@a.example</a>.</p>', 'links'),
    ('<p>Yes.</p><div>On 4 May Bob wrote:<blockquote type="cite"><p>Pay</p><p>now<br>or never</p><blockquote>please</blockquote></blockquote></div>', 'quotations'),
    ('<p>First:</p><ol start="3"><li>one</li><li>two</li></ol><ul><li>three</li></ul>', 'lists'), ('&hearts; &Omega;&nbsp;&ndash; &#128; 5&times;', 'entities')) t (html, what);

-- what is new
SELECT is(ar_inbox.reply_text(body), wanted, 'reply_text: ' || what)
FROM (VALUES (E'Yes.\n\nOn 4 May 2026 10:15, Acme <b@example.com> wrote:\n> Pay?\n', 'Yes.', 'history'),
    (E'\r\n  Yes.\r\n\r\n-- \r\nAnn\r\n', '  Yes.', 'signature, CR LF'),
    (E'See:\n\n---------- Forwarded message ---------\nFrom: b@example.com\n', E'See:\n\n---------- Forwarded message ---------\nFrom: b@example.com', 'forward'),
    (E'> Pay?\nYes.\n', E'> Pay?\nYes.', 'bottom posting'), (E'> Pay?\n', '> Pay?', 'nothing new'), ('', '', 'nothing'), (E'größer ＞ 5', 'größer ＞ 5', 'plain')) t (body, wanted, what);

-- whatever the bytes, no error
SELECT lives_ok(format('SELECT ar_inbox.parse_email(%L::bytea)', bytes), 'no error: ' || what)
FROM (VALUES ('\x00', 'a NUL'), ('\xff', 'no text'), ('\x5375626a6563743a20003d3f7574662d383f513f3d30303d30303f3d0a0a00', 'NULs, encoded as well')) t (bytes, what);
SELECT lives_ok($$SELECT ar_inbox.parse_email(convert_to('To: ' || repeat('a@b.c,', 100000) || E'\n\n' || repeat(E'> x\ny:\n', 100000), 'UTF8'))$$, 'no error: much of it');
SELECT is(octet_length(m ->> 'text') <= 16777216 AND m -> 'defects' ? 'size', true, 'a text of 20 MB is cut, and that is said')
FROM (SELECT ar_inbox.parse_email(convert_to(E'Subject: x\nContent-Type: text/plain; charset=utf-8\n\n' || repeat('aäö', 4200000), 'UTF8')) AS m) t;
SELECT is(ar_inbox.parse_email(NULL), NULL, 'NULL gives NULL');

SELECT function_privs_are('ar_inbox', 'parse_email', '{bytea}', 'ar_inbox_staff', '{EXECUTE}', 'members may call parse_email');
SELECT function_privs_are('ar_inbox', 'reply_text', '{text}', 'ar_inbox_anonymous', '{}', 'others may not call reply_text');

SELECT finish();
ROLLBACK;
