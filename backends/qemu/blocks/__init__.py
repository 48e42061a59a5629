"""What is done to the images of running domains: block jobs, checkpoints, backups."""
