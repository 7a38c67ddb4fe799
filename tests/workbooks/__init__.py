"""What the tests of workbooks share."""
