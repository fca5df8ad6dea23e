/// The version of this project, which both programs print and `status` gives.
package enum ProjectVersion {
  /// Semantic version 2.0.0.
  package static let current = "0.5.0"
}
