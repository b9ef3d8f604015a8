"""Pictures as arrays: sources, orders, augmentation."""
