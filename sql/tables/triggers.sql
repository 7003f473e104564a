-- The triggers.  They come after all tables, as pg_dump puts them: a restore
-- has all rows before the first of them exists.

create trigger thread_status after insert on ar_inbox.emails
    for each row execute function ar_inbox_internal.thread_status_trigger();

create trigger queue_phrases after insert or update of search, occurred_at on ar_inbox.emails
    for each row when (new.search is not null) execute function ar_inbox_internal.queue_phrases_trigger('email_id');
create trigger queue_phrases after insert or update of search, created_at on ar_inbox.notes
    for each row when (new.search is not null) execute function ar_inbox_internal.queue_phrases_trigger('note_id');

create trigger check_payment before insert or update or delete on ar_inbox.payments
    for each row execute function ar_inbox_internal.check_payment();
create trigger apply_payment after insert or update on ar_inbox.payments
    for each row execute function ar_inbox_internal.apply_payment();

create trigger invoice_changed after update of status, chasing_enabled, issue_date, due_date on ar_inbox.invoices
    for each row
    when (new.status <> old.status or (old.chasing_enabled and not new.chasing_enabled)
        or (new.issue_date, new.due_date) is distinct from (old.issue_date, old.due_date))
    execute function ar_inbox_internal.invoice_changed();

create trigger wake_worker after insert or update of next_attempt_at on ar_inbox.deliveries
    for each statement execute function ar_inbox_internal.wake_worker_trigger();
create trigger wake_worker after insert or update of due_at, state on ar_inbox.chasing_steps
    for each statement execute function ar_inbox_internal.wake_worker_trigger();

-- what LISTEN ar_inbox hears of
create trigger notify after insert or update on ar_inbox.threads
    for each row execute function ar_inbox_internal.notify_trigger('id');
create trigger notify after insert on ar_inbox.notes
    for each row execute function ar_inbox_internal.notify_trigger('thread_id');
create trigger notify after insert on ar_inbox.email_opens
    for each row execute function ar_inbox_internal.notify_trigger('email_id');
create trigger notify after update of state on ar_inbox.deliveries
    for each row when (new.state is distinct from old.state
        and new.state in ('accepted', 'rejected', 'bounced', 'cancelled', 'unknown'))
    execute function ar_inbox_internal.notify_trigger('email_id');
