"""WHO we talk to: servers beside the lake, such as MLflow."""
