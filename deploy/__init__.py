"""The production stack: one folder a service with what compose mounts, the images, and the native runner."""
