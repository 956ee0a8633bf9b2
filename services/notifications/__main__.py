from services.chassis.cli import main
from services.notifications.app import service

if __name__ == "__main__":
    main(service)
