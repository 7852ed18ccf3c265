//! Whether EventBridge Scheduler takes an expression. AWS notices a bad one in the middle of a deployment; linters and
//! emulators let anything pass.
//!
//! Grammar: EventBridge Scheduler user guide, "Schedule types".

/// Checks `rate(…)`, `cron(…)` or `at(…)`.
///
/// # Errors
/// Says what is wrong, in words.
pub fn check(expression: &str) -> Result<(), String> {
    let (kind, rest) = expression.split_once('(').ok_or("neither rate(…), cron(…) nor at(…)")?;
    let inside = rest.strip_suffix(')').ok_or("no closing parenthesis at the end")?;
    match kind {
        "rate" => rate(inside),
        "cron" => cron(inside),
        "at" => at(inside),
        other => Err(format!("{other:?} is neither rate, cron nor at")),
    }
}

fn rate(inside: &str) -> Result<(), String> {
    let (number, unit) = inside.split_once(' ').ok_or("rate wants a number and a unit")?;
    let number: u32 = number.parse().map_err(|_| format!("{number:?} is no number"))?;
    match (number, unit) {
        (0, _) => Err("a rate of 0".to_owned()),
        (1, "minute" | "hour" | "day") | (2.., "minutes" | "hours" | "days") => Ok(()),
        (1, _) => Err(format!("1 goes with minute, hour or day, not {unit:?}")),
        _ => Err(format!("{number} goes with minutes, hours or days, not {unit:?}")),
    }
}

fn cron(inside: &str) -> Result<(), String> {
    let fields: Vec<&str> = inside.split(' ').collect();
    let [minutes, hours, day, month, weekday, year] = fields.as_slice() else {
        return Err(format!("cron wants six fields, not {}", fields.len()));
    };
    let months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    field("minutes", minutes, 0, 59, &[])?;
    field("hours", hours, 0, 23, &[])?;
    field("month", month, 1, 12, &months)?;
    field("year", year, 1970, 2199, &[])?;
    match (*day, *weekday) {
        ("?", "?") => Err("day of month and day of week cannot both be ?".to_owned()),
        ("?", weekday) => field("day of week", weekday, 1, 7, &weekdays),
        (day, "?") if day == "L" || day.ends_with('W') => Ok(()),
        (day, "?") => field("day of month", day, 1, 31, &[]),
        _ => Err("one of day of month and day of week must be ?".to_owned()),
    }
}

/// `*`, a value, a range, steps, or a list of those.
fn field(name: &str, text: &str, low: u32, high: u32, names: &[&str]) -> Result<(), String> {
    let value = |text: &str| {
        let by_name = names.iter().position(|name| *name == text).and_then(|at| u32::try_from(at).ok());
        let value = by_name.map(|at| at + low).or_else(|| text.parse().ok());
        let in_range = value.filter(|value| (low..=high).contains(value));
        in_range.ok_or_else(|| format!("{name}: {text:?} is not within {low} to {high}"))
    };
    for item in text.split(',') {
        let (base, step) = item.split_once('/').map_or((item, None), |(base, step)| (base, Some(step)));
        if let Some(step) = step {
            step.parse().ok().filter(|step: &u32| *step > 0).ok_or_else(|| format!("{name}: step {step:?}"))?;
        }
        match base.split_once('-') {
            _ if base == "*" => {}
            Some((from, to)) if value(from)? > value(to)? => return Err(format!("{name}: {base} runs backwards")),
            Some(_) => {}
            None => drop(value(base)?),
        }
    }
    Ok(())
}

fn at(inside: &str) -> Result<(), String> {
    let pattern = "dddd-dd-ddTdd:dd:dd";
    let fits = inside.len() == pattern.len()
        && inside.bytes().zip(pattern.bytes()).all(|(c, p)| if p == b'd' { c.is_ascii_digit() } else { c == p });
    let part = |from: usize, to: usize| inside.get(from..to).and_then(|text| text.parse::<u32>().ok()).unwrap_or(99);
    let in_range = fits
        && (1..=12).contains(&part(5, 7))
        && (1..=31).contains(&part(8, 10))
        && part(11, 13) < 24
        && part(14, 16) < 60
        && part(17, 19) < 60;
    if in_range { Ok(()) } else { Err("at wants yyyy-mm-ddThh:mm:ss".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_expressions_pass_and_bad_ones_are_told() {
        for good in [
            "rate(30 minutes)",
            "rate(1 day)",
            "rate(24 hours)",
            "cron(0 4 * * ? *)",
            "cron(0/15 8-18 ? * MON-FRI 2026)",
            "cron(0 0 L * ? *)",
            "at(2026-11-23T21:30:00)",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "rate(5 minute)",
            "rate(1 minutes)",
            "rate(0 days)",
            "rate(5 weeks)",
            "rate(30 minutes",
            "every day",
            "cron(0 4 * * * *)",
            "cron(0 4 ? * ? *)",
            "cron(0 4 * * ?)",
            "cron(60 4 * * ? *)",
            "cron(0 18-8 * * ? *)",
            "cron(0/0 4 * * ? *)",
            "at(2026-13-01T00:00:00)",
            "at(2026-11-23 21:30:00)",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_templates_expressions_are_ones() {
        let template = include_str!("../../../infra/template.yaml");
        let mut checked = 0;
        for line in template.lines() {
            let Some(("Default" | "ScheduleExpression", value)) = line.trim().split_once(": ") else { continue };
            if ["rate(", "cron(", "at("].iter().any(|kind| value.starts_with(kind)) {
                assert_eq!(check(value), Ok(()), "{line}");
                checked += 1;
            }
        }
        assert_eq!(checked, 4, "discover, aggregator, reviver, db-generator");
        let literal = template.lines().filter(|line| line.trim_start().starts_with("ScheduleExpression:"));
        assert!(
            literal.clone().count() == 4 && literal.clone().all(|line| line.contains("!Ref ")),
            "each is a parameter"
        );
    }
}
