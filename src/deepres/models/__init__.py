"""Networks: names (zoo), modules (resnet), sizes (count), files (weights)."""
