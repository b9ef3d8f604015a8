"""CIFAR-10 and CIFAR-100: the readers of every layout, and what the official files hold."""
