-- Machine-days by the definitions of docs/machine-days.md, for any samples: every column holds on its own, under the
-- hold of the source that said it; days are those of the site's zone; counters and registers reset or roll over.
-- Filled in: the rows to use and as_of, in microseconds. Tables beside: profiles, quarters, days.
with sources as (
    select machine_uid, event_time, item_state::item_state as s, operation_mode::operation_mode as m, power_kw as p,
        energy_register_kwh as r, part_count as c, part_delta as d, hold, off, count_modulus, register_modulus, site_zone
    from {rows} join profiles using (profile_id)
), timed as (
    select *, epoch_us(event_time) as t, least(t + hold, {as_of}) as until from sources
), held as (
    select machine_uid, t, s, p, c, d, off, count_modulus,
        r is not null as says_register, m is not null or c is not null or d is not null or r is not null as says_other,
        lead(t) over following as n,
        last_value(s ignore nulls) over so_far as state,
        last_value(if(s is null, null, until) ignore nulls) over so_far as state_until,
        last_value(m ignore nulls) over so_far as mode,
        last_value(if(m is null, null, until) ignore nulls) over so_far as mode_until,
        last_value(p ignore nulls) over so_far as power,
        last_value(if(p is null, null, until) ignore nulls) over so_far as power_until,
        greatest(
            last_value(if(r is null, null, until) ignore nulls) over so_far,
            last_value(if(c is null, null, until) ignore nulls) over so_far,
            last_value(if(d is null, null, until) ignore nulls) over so_far
        ) as counters_until,
        last_value(nullif(s, 'Unknown') ignore nulls) over before as known_before,
        last_value(c ignore nulls) over before as count_before,
        last_value(r ignore nulls) over so_far as reading,
        last_value(if(r is null, null, t) ignore nulls) over so_far as read_at,
        first_value(r ignore nulls) over after as next_reading,
        first_value(if(r is null, null, t) ignore nulls) over after as next_read_at,
        first_value(if(r is null, null, coalesce(register_modulus, 0)) ignore nulls) over after as next_modulus
    from timed
    window following as (partition by machine_uid order by t),
        so_far as (partition by machine_uid order by t rows between unbounded preceding and current row),
        before as (partition by machine_uid order by t rows between unbounded preceding and 1 preceding),
        after as (partition by machine_uid order by t rows between 1 following and unbounded following)
), machines as (
    select machine_uid, arg_max(site_zone, t) as site_zone, min(t) as first_t, bool_or(s is not null) as says_state,
        bool_or(p is not null) as says_power, bool_or(r is not null) as says_register,
        bool_or(c is not null) as says_count, bool_or(d is not null) as says_delta
    from timed group by machine_uid
), placed as (
    select held.*, site_zone, day, ends, off and n is not null as silent_is_off,
        greatest(state_until, mode_until, power_until, counters_until) as any_until,
        (if(next_reading >= reading, next_reading - reading, next_reading - reading + if(next_modulus > 0, next_modulus, reading)))
            / (next_read_at - read_at) as rate
    from held join machines using (machine_uid) join quarters on quarters.zone = site_zone and quarters.quarter = t // 900000000
), pieces as (
    select * exclude (ends), t as b, least(coalesce(n, ends), ends) as e from placed
    union all by name
    select placed.* exclude (day, ends), days.day, days.begins as b, least(n, days.ends) as e
    from placed join days on days.zone = site_zone and days.begins >= placed.ends and days.begins < n
), lengths as (
    select machine_uid, day, state, power, rate, e - b as long,
        greatest(least(coalesce(state_until, b), e) - b, 0) as stated,
        greatest(least(coalesce(mode_until, b), state_until, e) - b, 0) as moded,
        greatest(least(coalesce(power_until, b), e) - b, 0) as powered,
        if(silent_is_off, least(e - any_until, e - b), 0) as silent,
        if(mode in ('Maintenance', 'Setup') and state in ('NotExecuting', 'Executing'), mode, null) as other_mode
    from pieces
), booked as (
    select machine_uid, day, power, rate, long, powered, greatest(silent, 0) as silent,
        if(state = 'Unknown', stated, 0) as unknown, if(state = 'NotAvailable', stated, 0) as off,
        if(state = 'OutOfService', stated, 0) as fault,
        if(other_mode = 'Maintenance', coalesce(moded, 0), 0) as maintenance,
        if(other_mode = 'Setup', coalesce(moded, 0), 0) as setup,
        case when state not in ('Executing', 'NotExecuting') then 0
            when other_mode is null then stated else stated - coalesce(moded, 0) end as plain,
        case when state not in ('Executing', 'NotExecuting') then 0 when other_mode is null then least(stated, powered)
            else least(stated, powered) - least(coalesce(moded, 0), powered) end as plain_powered,
        state = 'Executing' as executes
    from lengths
), summed as (
    select machine_uid, day, sum(if(executes, plain, 0)) as executing, sum(if(executes, 0, plain)) as idle,
        sum(fault) as fault, sum(maintenance) as maintenance, sum(setup) as setup, sum(off) as off, sum(silent) as silent,
        sum(power * if(executes, plain_powered, 0)) as power_executing, sum(power * if(executes, 0, plain_powered)) as power_idle,
        sum(power * (powered - plain_powered)) as power_other,
        sum(rate * if(executes, plain, 0)) as register_executing, sum(rate * if(executes, 0, plain)) as register_idle,
        sum(rate * (long - plain)) as register_other
    from booked group by machine_uid, day
), events as (
    select machine_uid, day, max(p) as peak_kw, sum(d) as deltas,
        sum(if(c >= count_before, c - count_before, c - count_before + coalesce(count_modulus, count_before))) as counted,
        count(*) filter (s <> 'Unknown' and s <> known_before and s = 'OutOfService') as fault_starts,
        count(*) filter (s <> 'Unknown' and s <> known_before) as state_changes,
        min(t) as first_sample, max(t) as last_sample
    from placed group by machine_uid, day
), local_days as (
    select zone, day as local_day, begins as day_begins, ends as day_ends from days
), totals as (
    select *, fault + maintenance + setup + executing + idle as powered, powered + off + silent as observed,
        day_ends - greatest(day_begins, first_t) as owned
    from summed join machines using (machine_uid) join local_days on zone = site_zone and local_day = day
)
select machine_uid, day, (owned - observed) / 1e6 as unknown_seconds, (off + silent) / 1e6 as off_seconds,
    fault / 1e6 as fault_seconds, maintenance / 1e6 as maintenance_seconds, setup / 1e6 as setup_seconds,
    executing / 1e6 as executing_seconds, idle / 1e6 as idle_seconds, powered / 1e6 as powered_seconds,
    observed / 1e6 as observed_seconds, (observed - silent) / 1e6 as sampled_seconds, observed / owned as coverage,
    case when says_register then coalesce(register_executing, 0)
        when says_power then coalesce(power_executing, 0) / 3.6e9 end as energy_executing_kwh,
    case when says_register then coalesce(register_idle, 0)
        when says_power then coalesce(power_idle, 0) / 3.6e9 end as energy_idle_kwh,
    case when says_register then coalesce(register_other, 0)
        when says_power then coalesce(power_other, 0) / 3.6e9 end as energy_other_kwh,
    energy_executing_kwh + energy_idle_kwh + energy_other_kwh as energy_kwh, peak_kw,
    case when says_count then coalesce(counted, 0) when says_delta then coalesce(deltas, 0) end as parts,
    if(says_state, coalesce(fault_starts, 0), null) as fault_starts,
    if(says_state, coalesce(state_changes, 0), null) as state_changes, first_sample, last_sample
from totals left join events using (machine_uid, day)
