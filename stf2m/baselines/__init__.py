"""What ST-F2M is compared with: one method a file, all on the same views and episodes."""
