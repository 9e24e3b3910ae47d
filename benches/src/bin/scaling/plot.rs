//! A table as a picture.

use std::io;
use std::path::Path;

use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::{
    ChartBuilder, Circle, IntoDrawingArea, LineSeries, PathElement, RGBColor, SVGBackend,
    SeriesLabelPosition, WHITE,
};
use plotters::style::Color;

use crate::table::{Figure, Table};

const SIZE: (u32, u32) = (800, 420);

/// Told apart by people who do not see all colours alike (Okabe and Ito), ours the boldest.
const COLOURS: [RGBColor; 5] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];

/// Draws it into an SVG file: values side by side, figures on a logarithmic scale.
pub(crate) fn draw(table: &Table, file: &Path) -> io::Result<()> {
    try_draw(table, file).map_err(|error| io::Error::other(error.to_string()))
}

fn try_draw(table: &Table, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let axis = table.axis;
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let places = || (0_u32..).map(f64::from).zip(axis.values);
    let last = places().last().map_or(0.0, |(place, _)| place);
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(-0.2..last + 0.2, bounds(table).log_scale())?;
    let name = |at: &f64| {
        let near = places().find(|(place, _)| (place - at).abs() < 0.1);
        near.map_or_else(String::new, |(_, (_, name))| (*name).to_owned())
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(axis.values.len())
        .x_label_formatter(&name)
        .y_label_formatter(&|value: &f64| Figure::Value(*value).cell())
        .x_desc(axis.title)
        .y_desc(axis.unit)
        .draw()?;
    for (row, (subject, colour)) in axis.subjects.iter().zip(COLOURS).enumerate() {
        let style = colour.stroke_width(if row == 0 { 4 } else { 2 });
        let figures = places().map(|(place, _)| place).zip(table.row(row).map(Figure::value));
        let points: Vec<(f64, f64)> =
            figures.filter_map(|(place, value)| Some((place, value?))).collect();
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
        chart
            .draw_series(LineSeries::new(points, style))?
            .label(subject.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}

/// A decade below and above all that is drawn.
fn bounds(table: &Table) -> std::ops::Range<f64> {
    let values = || table.columns.iter().flatten().filter_map(Figure::value);
    let least = values().fold(f64::INFINITY, f64::min).max(1.0);
    let most = values().fold(1.0, f64::max);
    10_f64.powf(least.log10().floor())..10_f64.powf(most.log10().ceil() + 0.5)
}
