-- Postal addresses and phone numbers: what can be one, and how it is written.

create function ar_inbox_internal.is_country(code text)
returns boolean
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select code = any (pg_catalog.string_to_array(
        'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ '
        'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR '
        'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP '
        'KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT '
        'MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW '
        'SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ '
        'UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW', ' '));
$$;

comment on function ar_inbox_internal.is_country(text) is
'Whether this is an officially assigned code of ISO 3166-1 alpha-2.';

create function ar_inbox_internal.postal_address_fault(address jsonb)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    known  constant text[] := array['name', 'company', 'line1', 'line2', 'city', 'region', 'postal_code', 'country'];
    part   record;
    absent text;
begin
    if address is null then
        return null;
    elsif pg_catalog.jsonb_typeof(address) <> 'object' then
        return 'it is not an object';
    end if;
    for part in
        select e.key, e.value, e.value #>> '{}' as words from pg_catalog.jsonb_each(address) e
    loop
        if part.key <> all (known) then
            return 'it has no part ' || pg_catalog.quote_literal(part.key);
        elsif pg_catalog.jsonb_typeof(part.value) <> 'string' then
            return part.key || ' is not a text';
        elsif pg_catalog.btrim(part.words) = '' then
            return part.key || ' is empty';
        elsif part.words ~ '[[:cntrl:]]' then
            return part.key || ' has more than one line or a control character';
        elsif pg_catalog.length(part.words) > 200 then
            return part.key || ' has more than 200 characters';
        end if;
    end loop;
    select k.key into absent from pg_catalog.unnest(array['line1', 'city', 'country']) k (key)
    where not address ? k.key limit 1;
    if found then
        return absent || ' is missing';
    elsif not ar_inbox_internal.is_country(address ->> 'country') then
        return 'country ' || pg_catalog.quote_literal(address ->> 'country') || ' is not known';
    end if;
    return null;
end
$$;

comment on function ar_inbox_internal.postal_address_fault(jsonb) is
'What is wrong with a postal address: an object of line1, city and country (ISO 3166-1 alpha-2), and line2, region, postal_code, name, company as far as there are any; NULL: nothing, or no address at all.';

create function ar_inbox_internal.check_postal_address(address jsonb, parameter text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    fault text := ar_inbox_internal.postal_address_fault(address);
begin
    if fault is not null then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s cannot be: %s', parameter, fault),
            'Give an object such as {"line1": "12 High Street", "city": "Springfield", "region": "IL", "postal_code": "62701", "country": "US"}; line2, name and company may stand in it too.');
    end if;
end
$$;

comment on function ar_inbox_internal.check_postal_address(jsonb, text) is
'Raises 22023 where this is not a postal address (NULL is fine); parameter is what the error calls it.';

create function ar_inbox_internal.postal_address_line(address jsonb)
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select pg_catalog.concat_ws(', ', address ->> 'name', address ->> 'company', address ->> 'line1', address ->> 'line2',
        pg_catalog.concat_ws(' ', address ->> 'city', address ->> 'region', address ->> 'postal_code'), address ->> 'country');
$$;

comment on function ar_inbox_internal.postal_address_line(jsonb) is 'A postal address in one line.';

create function ar_inbox_internal.international_phone(phone text)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    -- the (0) of '+44 (0)20 …' is not dialled from abroad
    digits text := pg_catalog.regexp_replace(pg_catalog.regexp_replace(phone, '^\s*00', '+'), '^(\s*\+[0-9 ]+)\(0\)', '\1');
begin
    digits := pg_catalog.regexp_replace(digits, '[^0-9+]', '', 'g');
    return case when digits ~ '^\+[1-9][0-9]{6,14}$' then digits end;
end
$$;

comment on function ar_inbox_internal.international_phone(text) is
'The number as + and digits (E.164); NULL where it has no country code, and so is nobody''s in particular.';

create function ar_inbox_internal.check_phone(phone text, parameter text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if phone is not null and phone !~ '^\+?[0-9][0-9 ().-]{2,30}$' then
        perform ar_inbox_internal.refuse('invalid_parameter_value',
            pg_catalog.format('%s %s is not a phone number', parameter, pg_catalog.quote_literal(phone)),
            'Give digits, in international form if you can: ''+1 555 0100''. Text messages need that form.');
    end if;
end
$$;

comment on function ar_inbox_internal.check_phone(text, text) is
'Raises 22023 where this is not a phone number (NULL is fine); parameter is what the error calls it.';
