//! A picture of points in Braille: two dots wide and four high in each character.

/// A picture that is drawn dot by dot; the origin is at the lower left.
pub struct Braille {
    width: usize,
    height: usize,
    cells: Vec<u8>,
}

/// The dots of a character by column and row, from the lowest row up (Unicode 15, chapter 21.1).
const DOTS: [[u8; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];

impl Braille {
    /// An empty picture of so many characters.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, cells: vec![0; width * height] }
    }

    /// Sets a dot at a place from 0 to 1 each way; nothing outside.
    pub fn dot(&mut self, x: f64, y: f64) {
        if !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
            return;
        }
        let column = (x * (self.width * 2 - 1) as f64).round() as usize;
        let row = (y * (self.height * 4 - 1) as f64).round() as usize;
        let cell = (self.height - 1 - row / 4) * self.width + column / 2;
        let dot = DOTS.get(column % 2).and_then(|rows| rows.get(row % 4)).copied().unwrap_or_default();
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell |= dot;
        }
    }

    /// The lines, from the top down.
    pub fn lines(&self) -> Vec<String> {
        let shown = |cell: &u8| char::from_u32(0x2800 + u32::from(*cell)).unwrap_or(' ');
        self.cells.chunks(self.width.max(1)).map(|row| row.iter().map(shown).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_and_a_diagonal_are_where_they_belong() {
        let mut picture = Braille::new(2, 1);
        for (x, y) in [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (2.0, 0.5)] {
            picture.dot(x, y);
        }
        assert_eq!(picture.lines(), ["⡁⠈"]);
    }
}
