//! Pictures of drift as SVG: one token with its band, and a fleet.

use plotters::coord::Shift;
use plotters::prelude::{
    AreaSeries, ChartBuilder, Circle, Color, DashedLineSeries, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea,
    IntoFont, LineSeries, PathElement, Polygon, RGBColor, SVGBackend, WHITE,
};

use super::drift_line::DriftLine;
use super::forecast::day;
use crate::drift::{Come, Interval};
use crate::job::forecast::Foreseen;
use crate::time::{UnixTime, seconds};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as plotters::prelude::DrawingBackend>::ErrorType>>;

/// The size of a picture.
const SIZE: (u32, u32) = (900, 420);

const READ: RGBColor = RGBColor(20, 20, 20);
const AHEAD: RGBColor = RGBColor(0, 90, 160);
const LIMIT: RGBColor = RGBColor(170, 30, 30);

/// A day, in seconds.
const DAY_S: f64 = 86_400.0;

/// A token's drift: what was read, the forecast with its band, and what its server accepts.
#[must_use]
pub fn of_token(title: &str, line: &DriftLine) -> String {
    drawn(|area| draw_token(area, title, line))
}

/// A fleet: how many tokens must have come back by when, and the rates of their clocks.
#[must_use]
pub fn of_fleet(foreseen: &[Foreseen], now: UnixTime) -> String {
    drawn(|area| draw_fleet(area, foreseen, now))
}

fn drawn(draw: impl FnOnce(&Area<'_>) -> Drawn<'static>) -> String {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        // Into a string nothing fails; half a picture says so by itself.
        let _ = area.fill(&WHITE);
        let _ = draw(&area);
        let _ = area.present();
    }
    text
}

fn draw_token(area: &Area<'_>, title: &str, line: &DriftLine) -> Drawn<'static> {
    let Some((first, last)) = line.times() else { return Ok(()) };
    let x = |at: UnixTime| seconds(at - first) / DAY_S;
    let (low, high) = line.drifts();
    let end = x(last);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20).into_font())
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..end, low..high)?;
    let date = |days: &f64| day(first + chrono::TimeDelta::seconds((days * DAY_S) as i64));
    chart
        .configure_mesh()
        .x_labels(6)
        .x_label_formatter(&date)
        .y_desc("drift in seconds")
        .light_line_style(WHITE)
        .draw()?;
    let clamp = |drift: f64| drift.clamp(low, high);
    let edge = |of: fn(&Interval) -> f64| line.ahead.iter().map(move |(at, band)| (x(*at), clamp(of(band))));
    let mut band: Vec<(f64, f64)> = edge(|band| band.low_s).collect();
    band.extend(edge(|band| band.high_s).collect::<Vec<_>>().into_iter().rev());
    chart.draw_series([Polygon::new(band, AHEAD.mix(0.18))])?;
    for limit in [-line.window_s, line.window_s].into_iter().filter(|limit| (low..=high).contains(limit)) {
        chart.draw_series(DashedLineSeries::new([(0.0, limit), (end, limit)], 6, 4, LIMIT.into()))?;
    }
    if let Some(come) = line.come {
        chart.draw_series(DashedLineSeries::new([(x(come), low), (x(come), high)], 2, 4, LIMIT.into()))?;
    }
    let middle = line.ahead.iter().map(|(at, band)| (x(*at), band.middle_s()));
    let within = middle.take_while(|(_, drift)| (low..=high).contains(drift));
    chart.draw_series(LineSeries::new(within, AHEAD.stroke_width(2)))?;
    for [(from, left), (to, found)] in &line.ran {
        let path = vec![(x(*from), clamp(*left)), (x(*to), clamp(*found))];
        chart.draw_series([PathElement::new(path, READ.mix(0.5))])?;
    }
    chart.draw_series(line.read.iter().map(|(at, drift)| Circle::new((x(*at), clamp(*drift)), 3, READ.filled())))?;
    Ok(())
}

fn draw_fleet(area: &Area<'_>, foreseen: &[Foreseen], now: UnixTime) -> Drawn<'static> {
    let (left, right) = area.split_horizontally(SIZE.0 / 2);
    draw_due(&left, foreseen, now)?;
    draw_rates(&right, foreseen)
}

/// How many tokens must have come back by when, over two years.
fn draw_due(area: &Area<'_>, foreseen: &[Foreseen], now: UnixTime) -> Drawn<'static> {
    const DAYS: f64 = 730.0;
    let days = |at: UnixTime| seconds(at - now) / DAY_S;
    let known = || foreseen.iter().filter_map(|one| one.clock.as_ref());
    let mut warned: Vec<f64> = known()
        .filter_map(|(_, forecast)| match forecast.come {
            Come::Now => Some(0.0),
            Come::Before(at) => Some(days(at).max(0.0)),
            Come::NotForLong => None,
        })
        .collect();
    let mut half: Vec<f64> = known().filter_map(|(_, forecast)| Some(days(forecast.half_refused?).max(0.0))).collect();
    let most = known().count().max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .caption("Tokens to come back: blue before (95 %), red half refused", ("sans-serif", 15).into_font())
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..DAYS, 0.0..most)?;
    let date = |days: &f64| day(now + chrono::TimeDelta::seconds((days * DAY_S) as i64));
    let count = |count: &f64| format!("{count:.0}");
    chart
        .configure_mesh()
        .x_labels(4)
        .x_label_formatter(&date)
        .y_labels(labels(most))
        .y_label_formatter(&count)
        .light_line_style(WHITE)
        .draw()?;
    chart.draw_series(AreaSeries::new(steps(&mut warned, DAYS), 0.0, AHEAD.mix(0.18)).border_style(AHEAD))?;
    chart.draw_series(LineSeries::new(steps(&mut half, DAYS), LIMIT.stroke_width(2)))?;
    Ok(())
}

/// How many numbers an axis of counts has at most: none between two counts.
fn labels(most: f64) -> usize {
    most.min(9.0) as usize + 1
}

/// How many steps a count has at most: more than the picture has room for.
const STEPS: usize = 365;

/// A count that grows by one at each of these, up to `end`; where they are many, by several at once, at the last of them.
fn steps(at: &mut [f64], end: f64) -> Vec<(f64, f64)> {
    at.sort_by(f64::total_cmp);
    let within = at.partition_point(|days| *days <= end);
    let at_once = within.div_ceil(STEPS).max(1);
    let mut steps = vec![(0.0, 0.0)];
    let mut before = 0.0;
    for some in at.get(..within).unwrap_or_default().chunks(at_once) {
        let Some(days) = some.last() else { continue };
        let after = before + some.len() as f64;
        steps.extend([(*days, before), (*days, after)]);
        before = after;
    }
    let last = steps.last().map_or(0.0, |(_, count)| *count);
    steps.push((end, last));
    steps
}

/// How many tokens run at which rate.
fn draw_rates(area: &Area<'_>, foreseen: &[Foreseen]) -> Drawn<'static> {
    const WIDE: f64 = 1.5;
    const BINS: usize = 60;
    let bin = |rate: f64| ((rate + WIDE) / (2.0 * WIDE) * BINS as f64).floor().clamp(0.0, BINS as f64 - 1.0) as usize;
    let mut counts = vec![0_u32; BINS];
    let measured = foreseen.iter().filter_map(|one| one.clock.as_ref()).filter(|(fit, _)| fit.stretches > 0);
    for (fit, _) in measured {
        if let Some(count) = counts.get_mut(bin(fit.rate().s_per_day)) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let mut chart = ChartBuilder::on(area)
        .caption("Tokens by measured rate, seconds a day (ends: and beyond)", ("sans-serif", 15).into_font())
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(-WIDE..WIDE, 0.0..f64::from(most))?;
    let count = |count: &f64| format!("{count:.0}");
    let most = f64::from(most);
    chart
        .configure_mesh()
        .x_labels(7)
        .y_labels(labels(most))
        .y_label_formatter(&count)
        .light_line_style(WHITE)
        .draw()?;
    let width = 2.0 * WIDE / BINS as f64;
    let bars = counts.iter().enumerate().map(|(index, count)| {
        let from = -WIDE + index as f64 * width;
        let top = f64::from(*count);
        Polygon::new(vec![(from, 0.0), (from, top), (from + width, top), (from + width, 0.0)], AHEAD.mix(0.6))
    });
    chart.draw_series(bars)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_few_has_a_step_for_each_and_one_of_many_has_a_few_hundred_and_ends_as_high() {
        assert_eq!(
            steps(&mut [3.0, 1.0, 800.0], 730.0),
            [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (3.0, 1.0), (3.0, 2.0), (730.0, 2.0)]
        );
        let mut many: Vec<f64> = (0..100_000).map(|number| f64::from(number) / 100.0).collect();
        let thinned = steps(&mut many, 730.0);
        assert!((STEPS..=2 * STEPS + 2).contains(&thinned.len()), "{}", thinned.len());
        assert_eq!(thinned.last(), Some(&(730.0, 73_001.0)));
        // No further off than the tokens that come at once.
        let at_once = 73_001_f64 / STEPS as f64 + 1.0;
        assert!(thinned.iter().all(|(days, count)| (days * 100.0 - count).abs() <= at_once + 1.0));
    }
}
