-- The built-in texts of messages: every template in English, German, French and
-- Spanish.  What a letter says as well speaks of no message to answer.  An address
-- stands in three braces: it is ours, and shall become a link.

create function ar_inbox_internal.builtin_texts()
returns table (name text, language text, subject text, body text)
language sql immutable
set search_path = pg_catalog, pg_temp
as $texts$
values
    -- English
    ('new_invoice', 'en', 'Invoice {{invoice.number}} from {{company.name}}',
$$Dear {{customer.name}},

Here is invoice {{invoice.number}} of {{invoice.issue_date}} for **{{invoice.total}}**.
Please pay it by {{invoice.due_date}}.

{{#lines}}
- {{description}}: {{quantity}} × {{unit_price}} = {{amount}}
{{/lines}}

{{#links.invoice}}
You can see the invoice here: {{{links.invoice}}}

{{/links.invoice}}
If anything is unclear, just get back to us.

Kind regards,
{{company.name}}
$$),
    ('invoice_reminder', 'en', 'Reminder: invoice {{invoice.number}} from {{company.name}}',
$$Dear {{customer.name}},

This is a short reminder of invoice {{invoice.number}} of {{invoice.issue_date}}: **{{invoice.balance}}** is open, due on {{invoice.due_date}}.

{{#links.invoice}}
You can see the invoice here: {{{links.invoice}}}

{{/links.invoice}}
If you have paid in the meantime, please disregard this message. If anything is unclear, just get back to us.

Kind regards,
{{company.name}}
$$),
    ('past_due_invoice', 'en', 'Past due: invoice {{invoice.number}} from {{company.name}}',
$$Dear {{customer.name}},

Invoice {{invoice.number}} of {{invoice.issue_date}} was due on {{invoice.due_date}}{{#invoice.is_past_due}} and is now {{invoice.days_past_due}} {{#invoice.is_one_day_past_due}}day{{/invoice.is_one_day_past_due}}{{^invoice.is_one_day_past_due}}days{{/invoice.is_one_day_past_due}} past due{{/invoice.is_past_due}}. **{{invoice.balance}}** is open.
Please pay it, or tell us when you will.

{{#links.invoice}}
You can see the invoice here: {{{links.invoice}}}

{{/links.invoice}}
If you have paid in the meantime, please disregard this message.

Kind regards,
{{company.name}}
$$),
    ('unpaid_reminder', 'en', 'Invoice {{invoice.number}} from {{company.name}} is unpaid',
$$Dear {{customer.name}},

Invoice {{invoice.number}} of {{invoice.issue_date}} is not paid in full yet. **{{invoice.balance}}** is open, due on {{invoice.due_date}}.

{{#links.invoice}}
You can see the invoice here: {{{links.invoice}}}

{{/links.invoice}}
If you have paid in the meantime, please disregard this message. If anything is unclear, just get back to us.

Kind regards,
{{company.name}}
$$),
    ('past_due_reminder', 'en', 'Invoice {{invoice.number}} from {{company.name}} is past due',
$$Dear {{customer.name}},

Invoice {{invoice.number}} was due on {{invoice.due_date}}, and **{{invoice.balance}}** of it is still open. Please pay it now, or tell us what keeps you from it.

{{#links.invoice}}
You can see the invoice here: {{{links.invoice}}}

{{/links.invoice}}
If you have paid in the meantime, please disregard this message.

Kind regards,
{{company.name}}
$$),
    ('payment_receipt', 'en', 'Payment received for invoice {{invoice.number}}',
$$Dear {{customer.name}},

Thank you for your payment of **{{payment.amount}}** for invoice {{invoice.number}}, which we received on {{payment.date}}.
{{#invoice.is_paid}}
The invoice is paid in full.
{{/invoice.is_paid}}
{{^invoice.is_paid}}
{{invoice.balance}} is still open, due on {{invoice.due_date}}.
{{/invoice.is_paid}}

Kind regards,
{{company.name}}
$$),
    ('new_invoice_sms', 'en', '',
$${{company.name}}: invoice {{invoice.number}} for {{invoice.total}}, due {{invoice.due_date}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    ('invoice_reminder_sms', 'en', '',
$${{company.name}}: a reminder of invoice {{invoice.number}}, {{invoice.balance}}, due {{invoice.due_date}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    ('past_due_invoice_sms', 'en', '',
$${{company.name}}: invoice {{invoice.number}} was due {{invoice.due_date}}. Please pay {{invoice.balance}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    -- German
    ('new_invoice', 'de', 'Rechnung {{invoice.number}} von {{company.name}}',
$$Guten Tag {{customer.name}},

hier ist die Rechnung {{invoice.number}} vom {{invoice.issue_date}} über **{{invoice.total}}**.
Bitte zahlen Sie sie bis zum {{invoice.due_date}}.

{{#lines}}
- {{description}}: {{quantity}} × {{unit_price}} = {{amount}}
{{/lines}}

{{#links.invoice}}
Sie finden die Rechnung hier: {{{links.invoice}}}

{{/links.invoice}}
Bei Fragen melden Sie sich einfach bei uns.

Mit freundlichen Grüßen
{{company.name}}
$$),
    ('invoice_reminder', 'de', 'Erinnerung: Rechnung {{invoice.number}} von {{company.name}}',
$$Guten Tag {{customer.name}},

wir erinnern an die Rechnung {{invoice.number}} vom {{invoice.issue_date}}: **{{invoice.balance}}** sind offen, fällig am {{invoice.due_date}}.

{{#links.invoice}}
Sie finden die Rechnung hier: {{{links.invoice}}}

{{/links.invoice}}
Haben Sie inzwischen gezahlt, betrachten Sie diese Nachricht bitte als gegenstandslos. Bei Fragen melden Sie sich einfach bei uns.

Mit freundlichen Grüßen
{{company.name}}
$$),
    ('past_due_invoice', 'de', 'Überfällig: Rechnung {{invoice.number}} von {{company.name}}',
$$Guten Tag {{customer.name}},

die Rechnung {{invoice.number}} vom {{invoice.issue_date}} war am {{invoice.due_date}} fällig{{#invoice.is_past_due}} und ist seit {{invoice.days_past_due}} {{#invoice.is_one_day_past_due}}Tag{{/invoice.is_one_day_past_due}}{{^invoice.is_one_day_past_due}}Tagen{{/invoice.is_one_day_past_due}} überfällig{{/invoice.is_past_due}}. Offen sind **{{invoice.balance}}**.
Bitte zahlen Sie den Betrag, oder teilen Sie uns mit, wann Sie zahlen werden.

{{#links.invoice}}
Sie finden die Rechnung hier: {{{links.invoice}}}

{{/links.invoice}}
Haben Sie inzwischen gezahlt, betrachten Sie diese Nachricht bitte als gegenstandslos.

Mit freundlichen Grüßen
{{company.name}}
$$),
    ('unpaid_reminder', 'de', 'Rechnung {{invoice.number}} von {{company.name}} ist unbezahlt',
$$Guten Tag {{customer.name}},

zur Rechnung {{invoice.number}} vom {{invoice.issue_date}} haben wir noch keine vollständige Zahlung erhalten. Offen sind **{{invoice.balance}}**, fällig am {{invoice.due_date}}.

{{#links.invoice}}
Sie finden die Rechnung hier: {{{links.invoice}}}

{{/links.invoice}}
Haben Sie inzwischen gezahlt, betrachten Sie diese Nachricht bitte als gegenstandslos. Bei Fragen melden Sie sich einfach bei uns.

Mit freundlichen Grüßen
{{company.name}}
$$),
    ('past_due_reminder', 'de', 'Rechnung {{invoice.number}} von {{company.name}} ist überfällig',
$$Guten Tag {{customer.name}},

die Rechnung {{invoice.number}} war am {{invoice.due_date}} fällig; **{{invoice.balance}}** sind noch offen. Bitte zahlen Sie den Betrag jetzt, oder teilen Sie uns mit, was dem entgegensteht.

{{#links.invoice}}
Sie finden die Rechnung hier: {{{links.invoice}}}

{{/links.invoice}}
Haben Sie inzwischen gezahlt, betrachten Sie diese Nachricht bitte als gegenstandslos.

Mit freundlichen Grüßen
{{company.name}}
$$),
    ('payment_receipt', 'de', 'Zahlung eingegangen: Rechnung {{invoice.number}}',
$$Guten Tag {{customer.name}},

vielen Dank für Ihre Zahlung von **{{payment.amount}}** zur Rechnung {{invoice.number}}, eingegangen am {{payment.date}}.
{{#invoice.is_paid}}
Die Rechnung ist vollständig bezahlt.
{{/invoice.is_paid}}
{{^invoice.is_paid}}
Offen sind noch {{invoice.balance}}, fällig am {{invoice.due_date}}.
{{/invoice.is_paid}}

Mit freundlichen Grüßen
{{company.name}}
$$),
    ('new_invoice_sms', 'de', '',
$${{company.name}}: Rechnung {{invoice.number}} über {{invoice.total}}, fällig am {{invoice.due_date}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    ('invoice_reminder_sms', 'de', '',
$${{company.name}}: Erinnerung an Rechnung {{invoice.number}}, {{invoice.balance}}, fällig am {{invoice.due_date}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    ('past_due_invoice_sms', 'de', '',
$${{company.name}}: Rechnung {{invoice.number}} war am {{invoice.due_date}} fällig. Bitte zahlen Sie {{invoice.balance}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    -- French
    ('new_invoice', 'fr', 'Facture {{invoice.number}} de {{company.name}}',
$$Bonjour {{customer.name}},

Voici la facture {{invoice.number}} du {{invoice.issue_date}}, d’un montant de **{{invoice.total}}**.
Merci de la régler au plus tard le {{invoice.due_date}}.

{{#lines}}
- {{description}} : {{quantity}} × {{unit_price}} = {{amount}}
{{/lines}}

{{#links.invoice}}
Vous trouverez la facture ici : {{{links.invoice}}}

{{/links.invoice}}
Pour toute question, n’hésitez pas à nous contacter.

Cordialement,
{{company.name}}
$$),
    ('invoice_reminder', 'fr', 'Rappel : facture {{invoice.number}} de {{company.name}}',
$$Bonjour {{customer.name}},

Nous vous rappelons la facture {{invoice.number}} du {{invoice.issue_date}} : il reste **{{invoice.balance}}** à payer, à échéance du {{invoice.due_date}}.

{{#links.invoice}}
Vous trouverez la facture ici : {{{links.invoice}}}

{{/links.invoice}}
Si vous avez payé entre-temps, merci de ne pas tenir compte de ce message. Pour toute question, n’hésitez pas à nous contacter.

Cordialement,
{{company.name}}
$$),
    ('past_due_invoice', 'fr', 'Échéance dépassée : facture {{invoice.number}} de {{company.name}}',
$$Bonjour {{customer.name}},

La facture {{invoice.number}} du {{invoice.issue_date}} était à payer le {{invoice.due_date}}{{#invoice.is_past_due}} et a maintenant {{invoice.days_past_due}} {{#invoice.is_one_day_past_due}}jour{{/invoice.is_one_day_past_due}}{{^invoice.is_one_day_past_due}}jours{{/invoice.is_one_day_past_due}} de retard{{/invoice.is_past_due}}. Il reste **{{invoice.balance}}** à payer.
Merci de régler ce montant, ou de nous dire quand vous le ferez.

{{#links.invoice}}
Vous trouverez la facture ici : {{{links.invoice}}}

{{/links.invoice}}
Si vous avez payé entre-temps, merci de ne pas tenir compte de ce message.

Cordialement,
{{company.name}}
$$),
    ('unpaid_reminder', 'fr', 'La facture {{invoice.number}} de {{company.name}} reste à payer',
$$Bonjour {{customer.name}},

Nous n’avons pas encore reçu le paiement complet de la facture {{invoice.number}} du {{invoice.issue_date}}. Il reste **{{invoice.balance}}** à payer, à échéance du {{invoice.due_date}}.

{{#links.invoice}}
Vous trouverez la facture ici : {{{links.invoice}}}

{{/links.invoice}}
Si vous avez payé entre-temps, merci de ne pas tenir compte de ce message. Pour toute question, n’hésitez pas à nous contacter.

Cordialement,
{{company.name}}
$$),
    ('past_due_reminder', 'fr', 'La facture {{invoice.number}} de {{company.name}} est en retard',
$$Bonjour {{customer.name}},

La facture {{invoice.number}} était à payer le {{invoice.due_date}} et il en reste **{{invoice.balance}}** à payer. Merci de régler ce montant sans attendre, ou de nous dire ce qui vous en empêche.

{{#links.invoice}}
Vous trouverez la facture ici : {{{links.invoice}}}

{{/links.invoice}}
Si vous avez payé entre-temps, merci de ne pas tenir compte de ce message.

Cordialement,
{{company.name}}
$$),
    ('payment_receipt', 'fr', 'Paiement reçu : facture {{invoice.number}}',
$$Bonjour {{customer.name}},

Nous vous remercions de votre paiement de **{{payment.amount}}** pour la facture {{invoice.number}}, reçu le {{payment.date}}.
{{#invoice.is_paid}}
La facture est entièrement payée.
{{/invoice.is_paid}}
{{^invoice.is_paid}}
Il reste {{invoice.balance}} à payer, à échéance du {{invoice.due_date}}.
{{/invoice.is_paid}}

Cordialement,
{{company.name}}
$$),
    ('new_invoice_sms', 'fr', '',
$${{company.name}} : facture {{invoice.number}} de {{invoice.total}}, à payer le {{invoice.due_date}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    ('invoice_reminder_sms', 'fr', '',
$${{company.name}} : rappel de la facture {{invoice.number}}, {{invoice.balance}}, à payer le {{invoice.due_date}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    ('past_due_invoice_sms', 'fr', '',
$${{company.name}} : la facture {{invoice.number}} était à payer le {{invoice.due_date}}. Merci de régler {{invoice.balance}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    -- Spanish
    ('new_invoice', 'es', 'Factura {{invoice.number}} de {{company.name}}',
$$Buenos días, {{customer.name}}:

Esta es la factura {{invoice.number}} del {{invoice.issue_date}}, por un importe de **{{invoice.total}}**.
Le rogamos que la pague a más tardar el {{invoice.due_date}}.

{{#lines}}
- {{description}}: {{quantity}} × {{unit_price}} = {{amount}}
{{/lines}}

{{#links.invoice}}
Puede ver la factura aquí: {{{links.invoice}}}

{{/links.invoice}}
Si tiene alguna pregunta, póngase en contacto con nosotros.

Saludos cordiales,
{{company.name}}
$$),
    ('invoice_reminder', 'es', 'Recordatorio: factura {{invoice.number}} de {{company.name}}',
$$Buenos días, {{customer.name}}:

Le recordamos la factura {{invoice.number}} del {{invoice.issue_date}}: quedan **{{invoice.balance}}** por pagar, con vencimiento el {{invoice.due_date}}.

{{#links.invoice}}
Puede ver la factura aquí: {{{links.invoice}}}

{{/links.invoice}}
Si ya ha efectuado el pago, no tenga en cuenta este mensaje. Si tiene alguna pregunta, póngase en contacto con nosotros.

Saludos cordiales,
{{company.name}}
$$),
    ('past_due_invoice', 'es', 'Vencida: factura {{invoice.number}} de {{company.name}}',
$$Buenos días, {{customer.name}}:

La factura {{invoice.number}} del {{invoice.issue_date}} venció el {{invoice.due_date}}{{#invoice.is_past_due}} y lleva {{invoice.days_past_due}} {{#invoice.is_one_day_past_due}}día{{/invoice.is_one_day_past_due}}{{^invoice.is_one_day_past_due}}días{{/invoice.is_one_day_past_due}} de retraso{{/invoice.is_past_due}}. Quedan **{{invoice.balance}}** por pagar.
Le rogamos que los pague o que nos diga cuándo lo hará.

{{#links.invoice}}
Puede ver la factura aquí: {{{links.invoice}}}

{{/links.invoice}}
Si ya ha efectuado el pago, no tenga en cuenta este mensaje.

Saludos cordiales,
{{company.name}}
$$),
    ('unpaid_reminder', 'es', 'La factura {{invoice.number}} de {{company.name}} sigue sin pagar',
$$Buenos días, {{customer.name}}:

Aún no hemos recibido el pago completo de la factura {{invoice.number}} del {{invoice.issue_date}}. Quedan **{{invoice.balance}}** por pagar, con vencimiento el {{invoice.due_date}}.

{{#links.invoice}}
Puede ver la factura aquí: {{{links.invoice}}}

{{/links.invoice}}
Si ya ha efectuado el pago, no tenga en cuenta este mensaje. Si tiene alguna pregunta, póngase en contacto con nosotros.

Saludos cordiales,
{{company.name}}
$$),
    ('past_due_reminder', 'es', 'La factura {{invoice.number}} de {{company.name}} ha vencido',
$$Buenos días, {{customer.name}}:

La factura {{invoice.number}} venció el {{invoice.due_date}} y aún quedan **{{invoice.balance}}** por pagar. Le rogamos que los pague cuanto antes o que nos diga qué se lo impide.

{{#links.invoice}}
Puede ver la factura aquí: {{{links.invoice}}}

{{/links.invoice}}
Si ya ha efectuado el pago, no tenga en cuenta este mensaje.

Saludos cordiales,
{{company.name}}
$$),
    ('payment_receipt', 'es', 'Pago recibido: factura {{invoice.number}}',
$$Buenos días, {{customer.name}}:

Gracias por su pago de **{{payment.amount}}** de la factura {{invoice.number}}, que recibimos el {{payment.date}}.
{{#invoice.is_paid}}
La factura está pagada por completo.
{{/invoice.is_paid}}
{{^invoice.is_paid}}
Quedan {{invoice.balance}} por pagar, con vencimiento el {{invoice.due_date}}.
{{/invoice.is_paid}}

Saludos cordiales,
{{company.name}}
$$),
    ('new_invoice_sms', 'es', '',
$${{company.name}}: factura {{invoice.number}} de {{invoice.total}}, vence el {{invoice.due_date}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    ('invoice_reminder_sms', 'es', '',
$${{company.name}}: le recordamos la factura {{invoice.number}}, {{invoice.balance}}, que vence el {{invoice.due_date}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$),
    ('past_due_invoice_sms', 'es', '',
$${{company.name}}: la factura {{invoice.number}} ha vencido el {{invoice.due_date}}. Le rogamos que pague {{invoice.balance}}.{{#links.invoice}} {{{links.invoice}}}{{/links.invoice}}$$)
$texts$;

comment on function ar_inbox_internal.builtin_texts() is
'The built-in texts of messages: every template (name) in each language that there is; a subject is empty where the message has none.';
