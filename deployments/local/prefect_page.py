"""Prefect's page as a person has it in a browser."""

from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import element_to_be_clickable, url_contains
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE = 120.0  # seconds: a busy machine draws a page slowly


def log_in(driver: Chrome, site: str, secret: str) -> None:
    """Type the secret into the page that Prefect shows to a browser that it does not know, and wait to be let in."""
    driver.get(f"{site}/login?redirect=/deployments")
    wait = WebDriverWait(driver, PATIENCE)
    wait.until(element_to_be_clickable(("css selector", "input"))).send_keys(secret, Keys.ENTER)
    wait.until(url_contains("/deployments"))
    # Its notes of before, that there is no login, would stay and cover buttons.
    driver.get(f"{site}/deployments")


def press(driver: Chrome, words: str) -> None:
    """Press the button, or choose the entry of a menu, that says this."""
    found = ("xpath", f"//*[self::button or self::a or @role='menuitem'][normalize-space()='{words}']")
    WebDriverWait(driver, PATIENCE).until(element_to_be_clickable(found)).click()


def wait_for(driver: Chrome, words: str) -> None:
    """Wait until the page shows this."""
    place = ("xpath", f"//*[text()[contains(normalize-space(.), '{words}')]]")
    WebDriverWait(driver, PATIENCE).until(
        lambda _: any(element.is_displayed() for element in driver.find_elements(*place)),
        f"the page does not show {words!r}",
    )
