"""What tests share: catalogues, servers, stores, changes."""
