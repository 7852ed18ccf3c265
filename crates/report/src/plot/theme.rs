//! Colours by name: the plots are drawn in stand-in colours, which become variables of the page's style.

use std::borrow::Cow;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A colour of the style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// One of several series, from 0.
    Series(u8),
    /// Something bad.
    Bad,
    /// Text.
    Text,
    /// Text that stands back.
    Muted,
    /// Lines of the grid.
    Grid,
    /// The base line.
    Axis,
}

/// How many series can be told apart.
pub const SERIES: u8 = 6;

/// Text in the middle.
pub const CENTER: Pos = Pos { h_pos: HPos::Center, v_pos: VPos::Center };
/// Text to the right of its place.
pub const LEFT: Pos = Pos { h_pos: HPos::Left, v_pos: VPos::Center };
/// Text to the left of its place.
pub const RIGHT: Pos = Pos { h_pos: HPos::Right, v_pos: VPos::Center };

impl Ink {
    const OTHERS: [(Self, u8); 5] =
        [(Self::Bad, 101), (Self::Text, 102), (Self::Muted, 103), (Self::Grid, 104), (Self::Axis, 105)];

    /// Its stand-in.
    pub fn color(self) -> RGBColor {
        let number = match self {
            Self::Series(number) => number % SERIES,
            other => Self::OTHERS.iter().find(|(ink, _)| *ink == other).map_or(0, |(_, number)| *number),
        };
        RGBColor(1, 2, number)
    }

    /// Its variable in the style.
    pub fn variable(self) -> Cow<'static, str> {
        match self {
            Self::Series(number) => format!("--s{}", number % SERIES + 1).into(),
            Self::Bad => "--bad".into(),
            Self::Text => "--ink".into(),
            Self::Muted => "--muted".into(),
            Self::Grid => "--grid".into(),
            Self::Axis => "--axis".into(),
        }
    }

    /// As the style says it.
    pub fn css(self) -> String {
        format!("var({})", self.variable())
    }
}

/// Text of `size` pixels.
pub fn text(ink: Ink, size: f64, anchor: Pos) -> TextStyle<'static> {
    // The SVG backend divides by this.
    ("sans-serif", size * 1.24).into_font().color(&ink.color()).pos(anchor)
}

/// A filled shape.
pub fn filled(ink: Ink) -> ShapeStyle {
    ink.color().filled()
}

/// A line of `width` pixels.
pub fn stroke(ink: Ink, width: u32) -> ShapeStyle {
    ink.color().stroke_width(width)
}

/// `svg` with the opening tag `open`, the style's colours, and nothing that the style says anyway.
pub fn styled(svg: &str, open: &str) -> String {
    let body = svg.split_once("<svg").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(_, body)| body);
    let mut text = format!("{open}{}", body.replace('\n', ""));
    let inks = (0..SERIES).map(Ink::Series).chain(Ink::OTHERS.iter().map(|(ink, _)| *ink));
    for ink in inks {
        let RGBColor(r, g, b) = ink.color();
        text = text.replace(&format!("#{r:02X}{g:02X}{b:02X}"), &ink.css());
    }
    for usual in [" font-family=\"sans-serif\"", " opacity=\"1\"", " stroke=\"none\"", " stroke-width=\"1\""] {
        text = text.replace(usual, "");
    }
    text
}

/// `text` inside an attribute.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_become_variables() {
        let svg =
            "<svg width=\"3\">\n<rect fill=\"#010200\"/>\n<text fill=\"#010267\" opacity=\"1\">\nx\n</text>\n</svg>";
        assert_eq!(styled(svg, "<svg>"), r#"<svg><rect fill="var(--s1)"/><text fill="var(--muted)">x</text></svg>"#);
    }
}
