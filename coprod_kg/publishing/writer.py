"""The writer process: the store's, with the description of each version that it commits."""

from coprod_kg.publishing.catalogue import describe
from coprod_kg.store import writer

__all__ = ["main"]


def main() -> None:
    """Commit what arrives, described, until the parent leaves."""
    writer.main(describe)


if __name__ == "__main__":
    main()
