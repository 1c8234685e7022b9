"""Tests in a real browser, apart from the others: they need Chromium, a Chinese font and axe-core."""
