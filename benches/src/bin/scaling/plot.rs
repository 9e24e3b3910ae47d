//! Plots of tables.

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

/// Colours that remain distinct with a colour vision deficiency (Okabe and Ito).
const COLOURS: [RGBColor; 5] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];

/// Draws a table into an SVG file, with equidistant values and a logarithmic scale of the figures.
pub(crate) fn draw(table: &Table, file: &Path) -> io::Result<()> {
    try_draw(table, file).map_err(|error| io::Error::other(error.to_string()))
}

fn try_draw(table: &Table, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let axis = table.axis;
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let positions = || (0_u32..).map(f64::from).zip(axis.values);
    let last = positions().last().map_or(0.0, |(position, _)| position);
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(-0.2..last + 0.2, bounds(table).log_scale())?;
    let name = |at: &f64| {
        let near = positions().find(|(position, _)| (position - at).abs() < 0.1);
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
        let figures =
            positions().map(|(position, _)| position).zip(table.row(row).map(Figure::value));
        let points: Vec<(f64, f64)> =
            figures.filter_map(|(position, value)| Some((position, value?))).collect();
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

/// Returns the bounds of the logarithmic scale.
fn bounds(table: &Table) -> std::ops::Range<f64> {
    let values = || table.columns.iter().flatten().filter_map(Figure::value);
    let least = values().fold(f64::INFINITY, f64::min).max(1.0);
    let most = values().fold(1.0, f64::max);
    10_f64.powf(least.log10().floor())..10_f64.powf(most.log10().ceil() + 0.5)
}
