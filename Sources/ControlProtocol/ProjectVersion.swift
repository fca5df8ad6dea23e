/// The version of this project, which both programs and `status` show.
package enum ProjectVersion {
  /// The version (Semantic Versioning 2.0.0).
  package static let current = "0.5.0"
}
