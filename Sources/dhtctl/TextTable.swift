/// Rows under headings, in columns as wide as their widest cell.
package struct TextTable {
  /// The alignment of the cells in a column.
  package enum Alignment: Sendable {
    case left, right
  }

  private let columns: [(heading: String, alignment: Alignment)]
  private var rows: [[String]] = []

  /// A table without rows.
  package init(_ columns: (String, Alignment)...) { self.init(columns) }

  /// A table whose columns depend on the content.
  package init(_ columns: [(String, Alignment)]) { self.columns = columns.map { ($0.0, $0.1) } }

  /// Adds a row; cells beyond the columns are left out.
  package mutating func append(_ cells: String...) { append(cells) }

  /// Adds a row; cells beyond the columns are left out.
  package mutating func append(_ cells: [String]) { rows.append(cells) }

  /// The table. Each line has a line feed and no trailing blanks.
  package var text: String {
    let lines = [columns.map(\.heading)] + rows
    let widths = columns.indices.map { column in
      lines.map { $0.indices.contains(column) ? $0[column].unicodeScalars.count : 0 }.max() ?? 0
    }
    return lines.map { cells in
      var line = ""
      for (cell, (column, width)) in zip(cells, zip(columns, widths)) {
        if !line.isEmpty { line += "  " }
        let padding = String(repeating: " ", count: max(0, width - cell.unicodeScalars.count))
        line += column.alignment == .left ? cell + padding : padding + cell
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}
