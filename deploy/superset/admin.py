"""Superset's administrator, with the password of the environment; run after `superset init`, which makes the roles."""

import os

from superset.app import create_app

app = create_app()
with app.app_context():
    manager = app.appbuilder.sm
    password = os.environ["SUPERSET_ADMIN_PASSWORD"]
    admin = manager.find_user("admin")
    if admin:
        manager.reset_password(admin.id, password)
    else:
        manager.add_user("admin", "Data", "Platform", "admin@localhost", manager.find_role("Admin"), password=password)
