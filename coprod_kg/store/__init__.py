"""The store: one writer, immutable snapshots, disposable readers. No HTTP, no model."""
