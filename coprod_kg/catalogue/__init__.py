"""The model's files as frozen values: schemes and saved queries; it never opens a store."""
