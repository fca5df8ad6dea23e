/// A chart of lines on two axes.
struct Chart {
  struct Series {
    let name: String
    let points: [(x: Double, y: Double)]
    /// True if each point is marked, which suits a series with few points.
    var isMarked = false
  }

  let title: String
  let xLabel: String
  let yLabel: String
  let x: Scale
  let y: Scale
  let series: [Series]

  /// Wong's colours, which colour-blind people can distinguish, too.
  private static let colours = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555", "#000000",
  ]

  /// Draws the chart into a rectangle.
  func draw(on canvas: inout Canvas, x left: Double, y top: Double, width: Double, height: Double) {
    let legendLines = legendRows(width: width - 90)
    let plotTop = top + 30 + Double(legendLines.count) * 18
    let (plotLeft, plotWidth) = (left + 66, width - 66 - 20)
    let plotHeight = top + height - 46 - plotTop
    func place(_ xValue: Double, _ yValue: Double) -> (x: Double, y: Double) {
      (plotLeft + x.share(of: xValue) * plotWidth, plotTop + (1 - y.share(of: yValue)) * plotHeight)
    }
    canvas.text(title, x: plotLeft, y: top + 14, size: 14, isBold: true)
    drawLegend(legendLines, on: &canvas, x: plotLeft, y: top + 34)
    for tick in y.ticks {
      let height = place(x.low, tick.value).y
      canvas.line([(plotLeft, height), (plotLeft + plotWidth, height)], colour: "#E3E3E3", width: 1)
      canvas.text(tick.text, x: plotLeft - 8, y: height + 4, size: 11, anchor: "end", colour: "#444444")
    }
    for tick in x.ticks {
      let across = place(tick.value, y.low).x
      canvas.line([(across, plotTop), (across, plotTop + plotHeight)], colour: "#F0F0F0", width: 1)
      canvas.line(
        [(across, plotTop + plotHeight), (across, plotTop + plotHeight + 4)], colour: "#888888", width: 1)
      canvas.text(
        tick.text, x: across, y: plotTop + plotHeight + 17, size: 11, anchor: "middle", colour: "#444444")
    }
    canvas.line(
      [(plotLeft, plotTop), (plotLeft, plotTop + plotHeight), (plotLeft + plotWidth, plotTop + plotHeight)],
      colour: "#888888", width: 1)
    canvas.text(xLabel, x: plotLeft + plotWidth / 2, y: plotTop + plotHeight + 36, size: 12, anchor: "middle")
    canvas.upwardText(yLabel, x: left + 14, y: plotTop + plotHeight / 2, size: 12)
    for (index, series) in series.enumerated() {
      let colour = Self.colours[index % Self.colours.count]
      let points = series.points.map { place($0.x, $0.y) }
      canvas.line(points, colour: colour, width: 2)
      if series.isMarked {
        for point in points { canvas.dot(x: point.x, y: point.y, colour: colour) }
      }
    }
  }

  // MARK: - Legend

  private static func legendWidth(_ name: String) -> Double { 34 + Double(name.count) * 6.6 }

  /// The series in each row of the legend.
  private func legendRows(width: Double) -> [[Int]] {
    var rows: [[Int]] = [[]]
    var used = 0.0
    for (index, series) in series.enumerated() where !series.name.isEmpty {
      let needed = Self.legendWidth(series.name)
      if used + needed > width, used > 0 {
        rows.append([])
        used = 0
      }
      rows[rows.count - 1].append(index)
      used += needed
    }
    return rows
  }

  private func drawLegend(_ rows: [[Int]], on canvas: inout Canvas, x left: Double, y top: Double) {
    for (row, indices) in rows.enumerated() {
      var x = left
      let y = top + Double(row) * 18
      for index in indices {
        canvas.line(
          [(x, y - 4), (x + 18, y - 4)], colour: Self.colours[index % Self.colours.count], width: 3)
        canvas.text(series[index].name, x: x + 23, y: y, size: 11)
        x += Self.legendWidth(series[index].name)
      }
    }
  }
}

/// An SVG document that is being drawn.
struct Canvas {
  private(set) var body = ""

  mutating func line(_ points: [(x: Double, y: Double)], colour: String, width: Double) {
    let places = points.map { "\(Text.fixed($0.x, 1)),\(Text.fixed($0.y, 1))" }.joined(separator: " ")
    body +=
      "<polyline points=\"\(places)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(Text.number(width))\"/>\n"
  }

  mutating func dot(x: Double, y: Double, colour: String) {
    body += "<circle cx=\"\(Text.fixed(x, 1))\" cy=\"\(Text.fixed(y, 1))\" r=\"3.5\" fill=\"\(colour)\"/>\n"
  }

  mutating func text(
    _ text: String, x: Double, y: Double, size: Int, anchor: String = "start", colour: String = "#111111",
    isBold: Bool = false
  ) {
    body +=
      "<text x=\"\(Text.fixed(x, 1))\" y=\"\(Text.fixed(y, 1))\" font-size=\"\(size)\" text-anchor=\"\(anchor)\" "
      + "fill=\"\(colour)\"\(isBold ? " font-weight=\"bold\"" : "")>\(Self.escaped(text))</text>\n"
  }

  /// Draws vertical text, centred at a place.
  mutating func upwardText(_ text: String, x: Double, y: Double, size: Int) {
    let (x, y) = (Text.fixed(x, 1), Text.fixed(y, 1))
    body +=
      "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" text-anchor=\"middle\" fill=\"#111111\" "
      + "transform=\"rotate(-90 \(x) \(y))\">\(Self.escaped(text))</text>\n"
  }

  /// The whole document.
  func document(width: Double, height: Double) -> String {
    let size = "width=\"\(Text.fixed(width, 0))\" height=\"\(Text.fixed(height, 0))\""
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      + "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) "
      + "viewBox=\"0 0 \(Text.fixed(width, 0)) \(Text.fixed(height, 0))\" "
      + "font-family=\"DejaVu Sans, Verdana, Helvetica, sans-serif\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + body + "</svg>\n"
  }

  /// Escapes text for XML, and drops characters that XML does not allow.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": break
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
