-- The triggers.  They come after all tables, as pg_dump puts them: a restore
-- has all rows before the first of them exists.

create trigger thread_status after insert on ar_inbox.emails
    for each row execute function ar_inbox_internal.thread_status_trigger();

create trigger check_payment before insert or update or delete on ar_inbox.payments
    for each row execute function ar_inbox_internal.check_payment();
create trigger apply_payment after insert or update on ar_inbox.payments
    for each row execute function ar_inbox_internal.apply_payment();

create trigger invoice_changed after update of status, chasing_enabled, issue_date, due_date on ar_inbox.invoices
    for each row execute function ar_inbox_internal.invoice_changed();

create trigger wake_worker after insert or update of next_attempt_at on ar_inbox.deliveries
    for each statement execute function ar_inbox_internal.wake_worker_trigger();
create trigger wake_worker after insert or update of due_at, state on ar_inbox.chasing_steps
    for each statement execute function ar_inbox_internal.wake_worker_trigger();
