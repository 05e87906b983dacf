//! The picture of a run, as SVG.

use super::figure::MEASURED;
use super::report::Report;
use super::sample::Spread;
use super::scene::Operation;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 620.0;
const INK: &str = "#24292f";
const FAINT: &str = "#8c959f";
const BLUE: &str = "#0969da";
const PALE: &str = "#a5c8f2";
const ORANGE: &str = "#bc4c00";

/// A drawing under way.
struct Svg(String);

impl Svg {
    fn tag(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn text(&mut self, (x, y): (f64, f64), anchor: &str, color: &str, size: u32, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let size = f64::from(size);
        self.tag(&format!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{color}" font-size="{size}">{text}</text>"#
        ));
    }

    fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), color: &str) {
        self.tag(&format!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{color}"/>"#
        ));
    }

    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), color: &str) {
        self.tag(&format!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{color}" stroke-width="1"/>"#
        ));
    }

    /// Full for what was measured, hollow for what was computed.
    fn mark(&mut self, (x, y): (f64, f64), is_measured: bool) {
        let fill = if is_measured { BLUE } else { "#ffffff" };
        self.tag(&format!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{fill}" stroke="{BLUE}" stroke-width="1.5"/>"#
        ));
    }
}

/// Draws a run.
pub(super) fn draw(report: &Report) -> String {
    let mut svg = Svg(String::new());
    svg.tag(&format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img">"#
    ));
    svg.tag("<title>Nova Auth, measured by nova bench</title>");
    svg.bar((0.0, 0.0), (WIDTH, HEIGHT), "#ffffff");
    cold(&mut svg, report);
    warm(&mut svg, report);
    rates(&mut svg, report);
    users(&mut svg, report);
    svg.text((20.0, HEIGHT - 14.0), "start", FAINT, 11, &report.machine.line());
    svg.tag("</svg>");
    svg.0
}

/// A bar in two parts, its end marked.
struct Row {
    name: String,
    parts: [f64; 2],
    whisker: Option<f64>,
    label: String,
}

fn rows(svg: &mut Svg, (left, top): (f64, f64), title: &str, rows: &[Row]) {
    svg.text((left, top), "start", INK, 14, title);
    let most = rows.iter().map(|row| row.whisker.unwrap_or_default().max(row.parts.iter().sum::<f64>()));
    let scale = 220.0 / most.fold(f64::MIN_POSITIVE, f64::max);
    let mut y = top + 18.0;
    for row in rows {
        svg.text((left + 118.0, y + 13.0), "end", INK, 12, &row.name);
        let [first, second] = row.parts.map(|part| part * scale);
        let x = left + 124.0;
        svg.bar((x, y), (first, 18.0), BLUE);
        svg.bar((x + first, y), (second, 18.0), PALE);
        let mut end = x + first + second;
        if let Some(whisker) = row.whisker {
            let whisker = x + whisker * scale;
            svg.line((end, y + 9.0), (whisker, y + 9.0), ORANGE);
            svg.line((whisker, y + 4.0), (whisker, y + 14.0), ORANGE);
            end = end.max(whisker);
        }
        svg.text((end + 6.0, y + 13.0), "start", INK, 11, &row.label);
        y += 28.0;
    }
}

fn median(spread: Option<Spread>) -> f64 {
    spread.map_or(0.0, |spread| spread.median)
}

fn cold(svg: &mut Svg, report: &Report) {
    let row = |operation: Operation| {
        let cold = report.cold.get(operation.function())?;
        let (init, first) = (median(cold.init_ms), median(cold.first_answer_ms));
        // A login's first answer is its hash.
        let (first, more) =
            if operation == Operation::Login { (0.0, " (and its hash)") } else { (first, "") };
        let label = if first > 0.0 { format!("{init:.1} + {first:.1}") } else { format!("{init:.1}{more}") };
        Some(Row { name: operation.function().to_owned(), parts: [init, first], whisker: None, label })
    };
    let all: Vec<Row> = Operation::ALL.into_iter().filter_map(row).collect();
    rows(svg, (20.0, 30.0), "Cold: process start to first next, then first answer (ms)", &all);
}

fn warm(svg: &mut Svg, report: &Report) {
    let row = |operation: Operation| {
        let ms = report.warm.get(operation.name())?.ms?;
        let label = format!("{:.2}, p99 {:.2}", ms.median, ms.p99);
        Some(Row { name: operation.name().to_owned(), parts: [ms.median, 0.0], whisker: Some(ms.p99), label })
    };
    let mut all: Vec<Row> = Operation::ALL
        .into_iter()
        .filter(|operation| *operation != Operation::Login)
        .filter_map(row)
        .collect();
    if let Some(beside) = report.login_over_hash.beside_the_hash_ms {
        let label =
            format!("{beside:.2} (hash {:.0})", median(report.warm.get("hash").and_then(|hash| hash.ms)));
        let name = "login without hash".to_owned();
        all.push(Row { name, parts: [beside.max(0.0), 0.0], whisker: None, label });
    }
    rows(svg, (460.0, 30.0), "Warm: median and p99 (ms)", &all);
}

/// A chart whose axes both count in powers of ten.
struct Chart {
    left: f64,
    top: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Chart {
    const WIDTH: f64 = 340.0;
    const HEIGHT: f64 = 280.0;

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let part = |value: f64, (from, to): (f64, f64)| (value.log10() - from) / (to - from);
        (self.left + part(x, self.x) * Self::WIDTH, self.top + (1.0 - part(y, self.y)) * Self::HEIGHT)
    }

    fn frame(&self, svg: &mut Svg, title: &str, below: &str) {
        svg.text((self.left - 44.0, self.top - 26.0), "start", INK, 14, title);
        let (bottom, right) = (self.top + Self::HEIGHT, self.left + Self::WIDTH);
        for power in powers(self.x) {
            let (x, _) = self.at(10_f64.powi(power), 1.0);
            svg.line((x, self.top), (x, bottom), "#eaeef2");
            svg.text((x, bottom + 16.0), "middle", FAINT, 11, &short(10_f64.powi(power)));
        }
        for power in powers(self.y) {
            let (_, y) = self.at(1.0, 10_f64.powi(power));
            svg.line((self.left, y), (right, y), "#eaeef2");
            svg.text((self.left - 6.0, y + 4.0), "end", FAINT, 11, &short(10_f64.powi(power)));
        }
        svg.text((self.left + Self::WIDTH / 2.0, bottom + 34.0), "middle", FAINT, 11, below);
    }

    fn points(&self, svg: &mut Svg, points: &[(f64, f64, bool)]) {
        for pair in points.windows(2) {
            if let [(x1, y1, _), (x2, y2, _)] = pair {
                svg.line(self.at(*x1, *y1), self.at(*x2, *y2), PALE);
            }
        }
        for (x, y, is_measured) in points {
            svg.mark(self.at(*x, *y), *is_measured);
        }
    }
}

/// The powers of ten on an axis.
#[expect(clippy::cast_possible_truncation, reason = "powers of ten on a picture")]
fn powers((from, to): (f64, f64)) -> std::ops::RangeInclusive<i32> {
    from.ceil() as i32..=to.floor() as i32
}

/// The axis that holds these values.
fn axis(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| *value > 0.0)
        .map(f64::log10)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) = if low.is_finite() { (low.floor(), high.ceil()) } else { (0.0, 1.0) };
    (low, if high > low { high } else { low + 1.0 })
}

fn short(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{} M", value / 1e6),
        _ if value >= 1e3 => format!("{} k", value / 1e3),
        _ => format!("{}", (value * 1e4).round() / 1e4),
    }
}

fn rates(svg: &mut Svg, report: &Report) {
    let rates = &report.growth.requests;
    let p99 = rates.iter().map(|rate| rate.ms.value.p99);
    let all = rates.iter().map(|rate| rate.ms.value.median).chain(p99);
    let x = axis(rates.iter().map(|rate| f64::from(rate.per_second)));
    let chart = Chart { left: 64.0, top: 230.0, x, y: axis(all) };
    chart.frame(
        svg,
        "A decision by rate: median (ms)",
        "decisions a second; full marks are measured, hollow ones computed",
    );
    let points: Vec<_> = rates
        .iter()
        .map(|rate| (f64::from(rate.per_second), rate.ms.value.median, rate.ms.how == MEASURED))
        .collect();
    chart.points(svg, &points);
}

#[expect(clippy::cast_precision_loss, reason = "ten millions")]
fn users(svg: &mut Svg, report: &Report) {
    let users = &report.growth.users;
    let y = axis(users.iter().map(|users| users.dollars_a_month.value));
    let x = axis(users.iter().map(|users| users.users as f64));
    let chart = Chart { left: 504.0, top: 230.0, x, y };
    let below =
        format!("users; computed, at list prices of {} ({})", report.prices.as_of, report.prices.region);
    chart.frame(svg, "Dollars a month by users, all of it", &below);
    let points: Vec<_> =
        users.iter().map(|users| (users.users as f64, users.dollars_a_month.value, false)).collect();
    chart.points(svg, &points);
    for (place, users) in users.iter().enumerate() {
        let (x, y) = chart.at(users.users as f64, users.dollars_a_month.value);
        let label = format!("{:.2}", users.dollars_a_month.value);
        // The first one stands at the axis.
        let (at, anchor) =
            if place == 0 { ((x + 8.0, y + 14.0), "start") } else { ((x - 8.0, y - 8.0), "end") };
        svg.text(at, anchor, INK, 11, &label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_all_of_its_values() {
        assert_eq!(axis([3.0, 4000.0].into_iter()), (0.0, 4.0));
        assert_eq!(axis([1.0].into_iter()), (0.0, 1.0));
        assert_eq!(axis(std::iter::empty()), (0.0, 1.0));
        assert_eq!(powers((0.0, 4.0)), 0..=4);
    }

    #[test]
    fn what_a_machine_says_of_itself_cannot_break_the_picture() {
        let mut svg = Svg(String::new());
        svg.text((0.0, 0.0), "start", INK, 11, "<script> & co");
        assert!(svg.0.contains("&lt;script> &amp; co"));
    }
}
