"""What every driver must do, run against each that can run here."""
